"""Sending e-mail: through an SMTP server, or into the log where none is set."""

import asyncio
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage

import structlog

log = structlog.get_logger("sumac.mail")

TIMEOUT_SECONDS = 20
NOT_ASKED = "If you did not ask for it, ignore this mail."


class LogMailer:
    """For a server without SMTP: whoever can read its log may sign in."""

    async def send_code(self, email: str, code: str) -> None:
        """Writes the code, not the address."""
        del email
        log.warning("sign_in_code", code=code, hint="set SUMAC_SMTP_URL to send codes by e-mail")


@dataclass(frozen=True, slots=True)
class SmtpMailer:
    """Hands e-mail over to an SMTP server; a failure is logged and told to nobody, as an unknown address is.

    `tls` is from the first byte; otherwise the connection is upgraded where the server offers it.
    """

    host: str
    port: int
    username: str | None
    password: str | None
    tls: bool
    sender: str

    async def send_code(self, email: str, code: str) -> None:
        """Sends a sign-in code."""
        message = EmailMessage()
        message["Subject"] = f"{code} is your sign-in code"
        message["From"] = self.sender
        message["To"] = email
        message.set_content(f"Your code is {code}. It works once and for ten minutes.\n\n{NOT_ASKED}\n")
        try:
            await asyncio.to_thread(self._hand_over, message)
        except (OSError, smtplib.SMTPException) as error:
            log.error(  # noqa: TRY400  # a traceback would show the address
                "mail_not_sent", host=self.host, problem=type(error).__name__
            )

    def _hand_over(self, message: EmailMessage) -> None:
        context = ssl.create_default_context()
        if self.tls:
            with smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_SECONDS, context=context) as connection:
                self._deliver(connection, message)
            return
        with smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_SECONDS) as connection:
            connection.ehlo()
            if connection.has_extn("starttls"):
                connection.starttls(context=context)
            self._deliver(connection, message)

    def _deliver(self, connection: smtplib.SMTP, message: EmailMessage) -> None:
        if self.username is not None:
            connection.login(self.username, self.password or "")
        connection.send_message(message)
