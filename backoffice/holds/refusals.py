"""Why a hold is not set or released as asked."""

from payments.refusals import Refusal


class NothingToHold(Refusal):
    code = "nothing_to_hold"
    field = "held_id"
    sentence = "There is no such record, so nothing to hold. Check the id."


class HoldInForce(Refusal):
    code = "hold_in_force"
    field = "held_id"
    sentence = "There is a hold on this already."


class NotInForce(Refusal):
    code = "not_in_force"
    sentence = "There is no hold in force here, or its release is asked for already."


class NoReleaseAsked(Refusal):
    code = "no_release_asked"
    sentence = "Nobody has asked for the release of this hold, or it is released already."


class SameReviewer(Refusal):
    code = "same_person"
    sentence = "Whoever asked for the release may not confirm it: a second person must."
