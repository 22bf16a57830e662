"""What people ask: how it goes, why an event went out or not, what would be sent."""
