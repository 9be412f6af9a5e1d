"""A TWS-protocol gateway on a TCP port: accounts, orders and prices of a replayed session, and every fault on order."""
