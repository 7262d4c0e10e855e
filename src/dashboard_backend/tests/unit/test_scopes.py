"""What a scope allows, and what may be handed on."""

from hypothesis import given
from hypothesis import strategies as st

from dashboard_backend.domain.scopes import Scope, beyond, grants

SCOPES = st.frozensets(st.sampled_from(Scope))


@given(SCOPES, st.sampled_from(Scope))
def test_scope_is_granted_when_held_or_admin(held: frozenset[Scope], needed: Scope) -> None:
    assert grants(held, needed) == bool(held & {needed, Scope.ADMIN})


@given(SCOPES, SCOPES)
def test_handing_on_never_adds_a_right(held: frozenset[Scope], wanted: frozenset[Scope]) -> None:
    if not beyond(held, wanted):
        gained = {scope for scope in Scope if grants(wanted, scope)}
        assert gained <= {scope for scope in Scope if grants(held, scope)}
