"""What the environment may set, read in one place. Everything is optional; secrets never print."""

from functools import cache
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from alphalib.errors import InputError


class Settings(BaseSettings):
    """Environment variables `ALPHALIB_…`, or the same names in a file `.env`."""

    model_config = SettingsConfigDict(env_prefix="ALPHALIB_", env_file=".env", extra="ignore", frozen=True)

    store: str = Field("data", description="Folder or fsspec URL of the bus.")
    smtp_host: str | None = Field(None, description="Mail server; no mail is sent without it.")
    smtp_port: int = Field(587, ge=1, le=65535)
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_security: str = Field("starttls", pattern="^(starttls|tls|none)$")
    mail_from: str | None = None
    mail_to: str | None = Field(None, description="Addresses, comma-separated.")
    cluster: str | None = Field(
        None, pattern=r"^[a-z]+://\S+$", description="Dask scheduler, such as tcp://host:8786; sweeps run there."
    )
    ledger: SecretStr | None = Field(
        None, description="Database of the ledger, such as postgresql+psycopg://…; evidence/ledger.db without it."
    )
    ib_host: str = Field("127.0.0.1", description="Where IB Gateway or TWS listens.")
    ib_port: int = Field(4002, ge=1, le=65535, description="IB Gateway with a paper login: 4002; TWS: 7497.")
    ib_client: int = Field(2, ge=1, le=999, description="Number by which the daemon's orders are found again; keep it.")
    market_data: str = Field("delayed", pattern="^(delayed|live)$", description="Live data need a subscription at IB.")
    telegram_token: SecretStr | None = Field(None, description="Of a bot; nobody is told of anything without it.")
    telegram_chat: str | None = Field(None, description="Number of the chat that the bot writes to.")
    telegram_url: str = Field("https://api.telegram.org", pattern=r"^https?://\S+$")
    anthropic_api_key: SecretStr | None = Field(None, description="Research uses the rule-based analyst without it.")


def project_folder() -> Path:
    """The nearest folder, from the working one upwards, that holds notebooks/ and pipelines/; the working one if none.

    JupyterLab runs a notebook in the notebook's own folder, cron in the project's: both mean the same `data`.
    """
    here = Path.cwd()
    return next((f for f in (here, *here.parents) if (f / "notebooks").is_dir() and (f / "pipelines").is_dir()), here)


@cache
def settings() -> Settings:
    """Settings of this process, read once.

    Raises
    ------
    InputError
        When a variable has a value that cannot be used; secrets are not repeated.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = [f"ALPHALIB_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors()]
        raise InputError("in the environment or .env: " + "; ".join(faults)) from None
