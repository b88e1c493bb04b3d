"""Where the suite's calls deviate from Zoho's OpenAPI files on purpose: (what, as a regular expression; why).

A line looks like "record.json GET /{module}: 200: body $.info.page_token_expiry: is null, not string". Zoho's documentation
(and what its own SDKs read) is held to be right where it says otherwise."""

EXEMPT = [
    # ---- which answers there are
    (r": (204|207|304): status: not described",
     "the files leave out empty, unchanged and partly successful answers that the documentation has"),
    (r": (400|401|403|404|413|415|429): status: not described",
     "the files name the errors of a call only in part; those of tokens, scopes and limits can meet any call"),
    (r": (400|403|404): body \$: (has more: (code, details, message, status|data|recycle_bin)"
     r"|lacks (code|details|message|status|tags)|oneOf)",
     "errors of a whole call and of its rows: the files wrap the one as the other, and differently from call to call"),
    (r": (400|429): body (\$\.data\[\]|\$)\.code: enum",
     "codes that the documentation has and the file leaves out"),
    (r": 400: body \$\.message: enum", "the wording of a message; clients read the code"),
    (r": 400: body \$\.details(\.\w+\[\])?: (has more|lacks|is string)",
     "details say more than the file has, or name the parameter otherwise: the files differ from call to call"),

    # ---- requests
    (r"request: query\.(page|per_page|wf_trigger|fields|module): not described",
     "parameters that the documentation has and the file leaves out"),
    (r"record\.json GET /\{module\}: request: query\.nope: not described",
     "sent on purpose, with the knob that lets unknown parameters through"),
    (r"record\.json POST /\{module\}: request: body \$: has more: nonsense",
     "sent on purpose, with the knob that lets unknown keys through"),
    (r"request: query\.page_token: maxLength 100", "tokens of up to 1,024 characters have been seen"),
    (r"tags\.json .*: request: query\.module: enum", "the file has the modules of its author's organization"),
    (r"request: body \$\.data\[\]\.\$append_values: is object",
     "the documentation has an object from field to true; the file a string"),
    (r"related_records\.json PUT .*/\{record\}: request: body \$\.data\[\]: lacks id", "the id is in the path already"),
    (r"tags_actions\.json POST /\{module\}/actions/add_tags: request: body \$\.ids", "the documentation has a list of ids"),
    (r"convert\.json .*: request: body \$\.data\[\]\.Deals: lacks",
     "Closing_Date and Pipeline are mandatory only where the layout has them so"),
    (r"notifications\.json PATCH .*: request: body", "the file has the bare channel where the documentation has `watch`"),
    (r"notifications\.json POST .*: request: body \$\.watch\[\]: has more",
     "keys that the file has for PUT and PATCH only; the documentation has them for POST too"),
    (r"bulk_read\.json POST /read: request: body \$\.callback\.url: enum", "the file has the URL of its example only"),
    (r"bulk_read\.json .*(query\.criteria\.group\[\]\.comparator: enum|\.value: is (array|integer))",
     "comparators, lists and numbers that the documentation has and the file leaves out"),
    (r"bulk_read\.json .*query\.criteria(\.group\[\])?: (has more|lacks)",
     "the documentation has single conditions and groups in groups; the file one flat group"),
    (r"bulk_read\.json POST /read: request: body \$\.query: has more: page_token",
     "the way past 200,000 rows; the file has next_page_token in the answer only"),
    (r"bulk_write\.json POST /write: request: body \$: has more: ignore_empty", "the file has it per resource only"),
    (r"bulk_write\.json POST /write: request: body \$\.resource\[\]",
     "the file demands what the documentation makes optional (file_names; find_by for insert), and leaves out default_value, "
     "find_by and format of a mapping, and find_by other than the id"),

    # ---- answers: records
    (r"GET /\{module\}: 200: body \$\.info\.(next_page_token|previous_page_token|page_token_expiry): is null",
     "null where there is none, as the documentation's samples show"),
    (r"(record\.json GET /\{module\}: 200: body \$\.data: maxItems 100|coql\.json .*: body \$\.data: maxItems 200)",
     "a list page has up to 200 rows; a COQL answer more with the knob coql_rows"),
    (r"\$\.data\[\]\.(Created_By|Modified_By): has more: email", "people in records have a mail address in the samples"),
    (r"POST /\{module\}/upsert: 200: body \$\.data\[\]: has more: action, duplicate_field",
     "the documentation has both in each entry"),
    (r"(notes|related_notes|related_records)\.json GET .*: 200: body \$\.info: has more: call, email",
     "the same `info` as that of other lists; the file has less of it"),
    (r"attachments\.json GET .*: 200: body \$\.data\[\]: lacks", "only the fields that `fields` named are there"),
    (r"attachments\.json GET .*: 200: body \$\.info: lacks", "there are no page tokens here"),
    (r"get_related_records_count\.json .*: 200: body .*: is object, not array",
     "the file has a list in a list; the documentation one list"),
    (r"recycle_bin\.json GET .*: body \$\.recycle_bin\[\]\.module: is object", "the file has its name only"),
    (r"tags_actions\.json .*: 200: body \$: has more: success_count", "the documentation has it for both calls"),

    # ---- answers: bulk, notifications
    (r"bulk_read\.json GET /read/\{jobId\}: 200: body \$\.data\[\]: lacks (Attachment_Source__s|File_Id__s)",
     "keys of attachments that came into this schema by mistake"),
    (r"bulk_read\.json .*(file_type: enum: 'ics'|state: enum: 'FAILURE'|\.result: (has more: error_message|lacks))",
     "ICS, and jobs that failed, are left out of the file's answer"),
    (r"bulk_write\.json GET /write/\{jobId\}: 200: body \$: lacks callback", "a job need not have a callback"),

    # ---- answers: metadata
    (r"(fields|layouts|coql|modules|roles|profiles|related_lists|org|users|custom_views)\.json .*: 200: body "
     r"\$\.[\w.\[\]]+: lacks",
     "attributes of the metadata that neither a client here nor Zoho's SDKs need are left out"),
    (r"(fields|layouts|coql)\.json .*: 200: body .*\.(quick_sequence_number|textarea): is null",
     "null where it does not apply, as live answers have it"),
    (r"(fields|coql)\.json .*: 200: body \$\.fields(\[\]|\.\w+): has more: ",
     "attributes that the documentation has and the file leaves out"),
    (r"layouts\.json .*: 200: body \$\.layouts\[\]\.(profiles|.*\.pick_list_values): is array, not null",
     "the file knows null alone"),
    (r"related_lists\.json .*: 200: body \$\.related_lists\[\]\.(action|customize_sort)",
     "empty where it does not apply"),
    (r"(profiles|roles)\.json .*: 200: body \$\.\w+\[\]: has more: (reporting_to|custom)",
     "an attribute that roles and profiles share here; clients skip what they do not know"),
    (r"custom_views\.json .*: 200: body \$\.custom_views\[\](\.(criteria|favorite))?: ",
     "the file's shape of a view's criteria and favorite does not allow their absence"),
    (r"users\.json GET /users: 200: body \$\.users\[\]\.first_name: is null", "not everybody has a first name"),
]
