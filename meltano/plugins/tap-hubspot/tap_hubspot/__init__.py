"""Singer tap for the HubSpot CRM v3 API and servers of the same shape."""
