"""The demo compound: a believable government-office site, as tables and as the registry file made from them."""
