"""Where the suite's calls deviate from Zoho's OpenAPI files on purpose: (what, as a regular expression; why).

A line looks like "record.json GET /{module}: 200: body $.info.page_token_expiry: type: None is not of type 'string'"."""

EXEMPT = []
