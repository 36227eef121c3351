"""The SNS topic that notices of alerts go to. Without one, notices are off."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from dynamodb.errors import StoreError

_ARN = re.compile(r"arn:[a-z-]+:sns:(?P<region>[a-z0-9-]+):[0-9]{12}:[A-Za-z0-9_-]{1,256}")


class TopicError(StoreError):
    """The topic did not take a notice. Its text is fit for staff."""


@dataclass(frozen=True, kw_only=True)
class Topic:
    """Where notices go; an empty ``arn`` is nowhere."""

    arn: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Topic":
        """Read the variable; raises ``ValueError`` for what is no topic's name."""
        arn = environment.get("ALERT_SNS_TOPIC_ARN", "").strip()
        if arn and not _ARN.fullmatch(arn):
            raise ValueError(f"ALERT_SNS_TOPIC_ARN must be the ARN of an SNS topic, not {arn!r}.")
        return cls(arn=arn)

    def publish(self, subject: str, message: str) -> None:
        """Send a notice once; raises ``TopicError`` where it is not certain that it was taken."""
        named = _ARN.fullmatch(self.arn)
        if named is None:
            raise TopicError("There is no topic to send notices to.")
        try:
            _client(named["region"]).publish(TopicArn=self.arn, Subject=subject, Message=message)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            raise TopicError(f"The topic refused a notice: {code}.") from error
        except BotoCoreError as error:
            raise TopicError(f"The topic did not answer: {error}") from error


@lru_cache(maxsize=1)
def _client(region: str) -> Any:
    """The one client; ``AWS_ENDPOINT_URL_SNS`` leads it elsewhere."""
    return get_session().create_client(
        "sns",
        region_name=region,
        config=Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2}),
    )


_topic = Topic()


def configure(topic: Topic) -> None:
    global _topic  # noqa: PLW0603 - set once a process
    _topic = topic


def topic() -> Topic:
    """The topic in force."""
    return _topic
