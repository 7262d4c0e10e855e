"""What may be in flight at once."""

import pytest

from model_api.utils.admission import Admission, Overloaded


def test_requests_are_taken_on_up_to_the_limit_and_again_after_one_ends() -> None:
    admission = Admission(max_requests=2, max_bytes=10)
    with admission.admit():
        with admission.admit(), pytest.raises(Overloaded), admission.admit():
            pass
        with admission.admit():
            assert admission.requests == 2
    assert (admission.requests, admission.shed) == (0, 1)


def test_bytes_are_held_until_the_request_ends_however_it_ends() -> None:
    admission = Admission(max_requests=9, max_bytes=10)

    def hold_too_much() -> None:
        with admission.admit() as ticket:
            ticket.hold(6)
            with admission.admit() as other:
                other.hold(4)
                assert admission.held_bytes == 10
            ticket.hold(5)

    with pytest.raises(Overloaded):
        hold_too_much()
    assert admission.held_bytes == admission.requests == 0
