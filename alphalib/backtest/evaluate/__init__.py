"""What a book earned and why: performance with intervals, signal quality, attribution, what each rule was worth."""
