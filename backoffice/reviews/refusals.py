"""Why a day cannot be reviewed, decided or signed as asked."""

from datetime import date

from payments.refusals import Refusal


class NotOverYet(Refusal):
    code = "day_not_over"

    def __init__(self, day: date) -> None:
        super().__init__(f"{day:%d %b %Y} is not over yet: it can be reviewed the day after.")


class AlreadySigned(Refusal):
    code = "already_signed"
    sentence = "This day is signed, or has not been prepared: nothing of it can be changed."


class ItemsOpen(Refusal):
    code = "items_open"

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} still to be ticked, noted or made a case before you sign.")


class NoteMissing(Refusal):
    code = "missing_field"
    field = "note"
    sentence = "Write what you noted."


class NothingChosen(Refusal):
    code = "missing_field"
    field = "items"
    sentence = "Choose at least one line."
