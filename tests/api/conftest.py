import pytest

from tests import make
from tests.cast import Cast


@pytest.fixture
async def contact_created(cast: Cast) -> None:
    """An event type of alice's account."""
    await make.event_type(cast.alice.account, "contact.created")
