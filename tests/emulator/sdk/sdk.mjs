/* What a program written with Zoho's Node SDK does: each step must find what it expects. Prints TAP. */
import assert from "node:assert/strict";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { inspect } from "node:util";
import * as Z from "@zohocrm/nodejs-sdk-8.0";

const [url, scratch] = process.argv.slice(2);
const steps = [];
const step = (name, run) => steps.push({ name, run });

const shown = (value) => inspect(value, { depth: 4 });

/* The object of an answer, which must have this status and not be an error. */
function content(response, status = 200) {
  const object = response.getObject();
  assert.equal(response.getStatusCode(), status, shown(object));
  assert.ok(object !== null && object.constructor.name !== "APIException", shown(object));
  return object;
}

function succeeded(response, status) {
  const entries = content(response, status).getData();
  for (const entry of entries)
    assert.equal(entry.getStatus().getValue(), "success", shown(entry));
  return entries.map((entry) => {
    const details = entry.getDetails();
    return { id: BigInt(details.get("id")), details };
  });
}

async function params(...pairs) {
  const map = new Z.ParameterMap();
  for (const [param, value] of pairs)
    await map.add(param, value);
  return map;
}

function record(values, id) {
  const made = new Z.Record.Record();
  for (const [key, value] of Object.entries(values))
    made.addKeyValue(key, value);
  if (id !== undefined)
    made.setId(id);
  return made;
}

function body(...records) {
  const wrapper = new Z.Record.BodyWrapper();
  wrapper.setData(records);
  return wrapper;
}

/* A server for notifications: resolves with the next JSON it is sent. */
function hook() {
  const got = [];
  const waiting = [];
  const server = http.createServer((request, answer) => {
    let text = "";
    request.on("data", (part) => (text += part));
    request.on("end", () => {
      answer.end();
      const json = JSON.parse(text);
      if (waiting.length > 0)
        waiting.shift()(json);
      else
        got.push(json);
    });
  });
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () =>
      resolve({
        url: `http://127.0.0.1:${server.address().port}/hook`,
        next: () => (got.length > 0 ? Promise.resolve(got.shift()) : new Promise((done) => waiting.push(done))),
        close: () => server.close(),
      })));
}

const leads = new Z.Record.RecordOperations("Leads");
const { GetRecordsParam, SearchRecordsParam, DeleteRecordsParam } = Z.Record;
let lead;
let other;

step("start-up", async () => {
  const logger = new Z.LogBuilder().level(Z.Levels.OFF).filePath(path.join(scratch, "sdk.log")).build();
  const token = new Z.OAuthBuilder().clientId("1000.DEMO").clientSecret("demo-secret")
    .refreshToken("1000.demo.refresh").build();
  const config = new Z.SDKConfigBuilder().pickListValidation(false).autoRefreshFields(true).build();
  const initialize = await new Z.InitializeBuilder();
  await initialize.environment(Z.DataCenter.setEnvironment(url, url + "/oauth/v2/token", url)).token(token)
    .store(new Z.FileStore(path.join(scratch, "tokens.csv"))).SDKConfig(config).resourcePath(scratch + path.sep).logger(logger)
    .initialize();
});

step("modules", async () => {
  const modules = content(await new Z.Modules.ModulesOperations().getModules()).getModules();
  const one = modules.find((module) => module.getAPIName() === "Leads");
  assert.equal(one.getAPISupported(), true);
  assert.equal(typeof one.getId(), "bigint");
  const same = content(await new Z.Modules.ModulesOperations().getModuleByAPIName("Leads")).getModules()[0];
  assert.equal(same.getId(), one.getId());
});

step("fields", async () => {
  const { FieldsOperations, GetFieldsParam, GetFieldParam } = Z.Fields;
  const map = await params([GetFieldsParam.MODULE, "Leads"]);
  const fields = content(await new FieldsOperations().getFields(map)).getFields();
  const name = fields.find((field) => field.getAPIName() === "Last_Name");
  assert.equal(name.getSystemMandatory(), true);
  const one = content(await new FieldsOperations().getField(name.getId(), await params([GetFieldParam.MODULE, "Leads"])));
  assert.equal(one.getFields()[0].getAPIName(), "Last_Name");
});

step("create", async () => {
  const [first, second] = succeeded(await leads.createRecords(body(
    record({ Last_Name: "Kit", Company: "Software (Development)", Email: "kit@sdk.example", Annual_Revenue: 12.5 }),
    record({ Last_Name: "Kit Two", Company: "Software" }))), 201);
  lead = first.id;
  other = second.id;
  assert.equal(typeof first.details.get("Created_By").getName(), "string");
});

step("get", async () => {
  const [got] = content(await leads.getRecord(lead)).getData();
  assert.equal(got.getId(), lead);
  assert.equal(got.getKeyValue("Last_Name"), "Kit");
  assert.equal(got.getKeyValue("Annual_Revenue"), 12.5);
  assert.ok(got.getCreatedTime() instanceof Date);
  const generated = content(await leads.getRecords(await params([GetRecordsParam.FIELDS, "Last_Name"],
                                                                [GetRecordsParam.PER_PAGE, 10]))).getData();
  for (const each of generated)
    content(await leads.getRecord(each.getId()));
});

step("list, by pages and by tokens", async () => {
  const seen = new Set();
  for (let page = 1; page <= 3; page++) {
    const map = await params([GetRecordsParam.FIELDS, "Last_Name,Email,Owner,Created_Time"], [GetRecordsParam.PAGE, page],
                             [GetRecordsParam.PER_PAGE, 100]);
    const answer = content(await leads.getRecords(map));
    assert.equal(answer.getInfo().getPage(), page);
    assert.equal(answer.getInfo().getMoreRecords(), true);
    answer.getData().forEach((each) => seen.add(each.getId()));
  }
  assert.equal(seen.size, 300);
  let token = null;
  let count = 0;
  do {
    const pairs = [[GetRecordsParam.FIELDS, "Last_Name"]];
    if (token !== null)
      pairs.push([GetRecordsParam.PAGE_TOKEN, token]);
    const answer = content(await leads.getRecords(await params(...pairs)));
    count += answer.getData().length;
    token = answer.getInfo().getNextPageToken();
  } while (token);
  assert.ok(count > 2000, String(count));
});

step("If-Modified-Since: 304", async () => {
  const headers = new Z.HeaderMap();
  await headers.add(Z.Record.GetRecordsHeader.IF_MODIFIED_SINCE, new Date(Date.now() + 3600000));
  const response = await leads.getRecords(await params([GetRecordsParam.FIELDS, "Last_Name"]), headers);
  assert.equal(response.getStatusCode(), 304);
});

step("update", async () => {
  succeeded(await leads.updateRecord(lead, body(record({ Company: "Changed" }))), 200);
  succeeded(await leads.updateRecords(body(record({ Phone: "1" }, lead), record({ Phone: "2" }, other))), 200);
  const [got] = content(await leads.getRecord(lead)).getData();
  assert.equal(got.getKeyValue("Company"), "Changed");
  assert.equal(got.getKeyValue("Phone"), "1");
});

step("upsert", async () => {
  const wrapper = body(record({ Last_Name: "Kit", Email: "kit@sdk.example", Mobile: "7" }),
                       record({ Last_Name: "New Kit", Email: "new@sdk.example" }));
  wrapper.setDuplicateCheckFields(["Email"]);
  const entries = content(await leads.upsertRecords(wrapper)).getData();
  assert.deepEqual(entries.map((entry) => entry.getAction().getValue()), ["update", "insert"]);
  assert.equal(BigInt(entries[0].getDetails().get("id")), lead);
});

step("an error is an error", async () => {
  const response = await leads.createRecords(body(record({ Company: "Nobody" })));
  assert.equal(response.getStatusCode(), 400);
  const [entry] = response.getObject().getData();
  assert.equal(entry.getCode().getValue(), "MANDATORY_NOT_FOUND");
  const unknown = await new Z.Record.RecordOperations("Leads").getRecord(7999999999999n);
  assert.equal(unknown.getStatusCode(), 204);
});

step("search", async () => {
  for (const pair of [[SearchRecordsParam.CRITERIA, "((Last_Name:equals:Kit)and(Company:starts_with:Cha))"],
                      [SearchRecordsParam.EMAIL, "kit@sdk.example"], [SearchRecordsParam.WORD, "Changed"]]) {
    const found = content(await leads.searchRecords(await params(pair))).getData();
    assert.ok(found.some((each) => each.getId() === lead), pair[1]);
  }
});

step("count", async () => {
  const count = content(await leads.recordCount()).getCount();
  assert.ok(Number(count) > 2000, String(count));
});

step("notes", async () => {
  const operations = new Z.Notes.NotesOperations();
  const note = new Z.Notes.Note();
  const parent = new Z.Notes.ParentId();
  const module = new Z.Modules.MinifiedModule();
  module.setAPIName("Leads");
  await parent.setModule(module);
  parent.setId(lead);
  await note.setParentId(parent);
  note.setNoteTitle("A title");
  note.setNoteContent("The content");
  const wrapper = new Z.Notes.BodyWrapper();
  wrapper.setData([note]);
  const [{ id }] = succeeded(await operations.createNotes(wrapper), 201);
  const read = await params([Z.Notes.GetNoteParam.FIELDS, "Note_Title,Note_Content,Parent_Id,Owner,Created_Time"]);
  const [got] = content(await operations.getNote(id, read)).getData();
  assert.equal(got.getNoteTitle(), "A title");
  const list = await params([Z.Notes.GetNotesParam.FIELDS, "Note_Title,Note_Content"]);
  assert.ok(content(await operations.getNotes(list)).getData().some((each) => each.getId() === id));
  const change = new Z.Notes.Note();
  change.setNoteContent("Another");
  const changes = new Z.Notes.BodyWrapper();
  changes.setData([change]);
  succeeded(await operations.updateNote(id, changes), 200);
  succeeded(await operations.deleteNote(id), 200);
});

step("related lists and records", async () => {
  const { RelatedListsOperations, GetRelatedListsParam } = Z.RelatedLists;
  const lists = content(await new RelatedListsOperations().getRelatedLists(await params([GetRelatedListsParam.MODULE,
                                                                                         "Accounts"])));
  assert.ok(lists.getRelatedLists().some((list) => list.getAPIName() === "Contacts"));
  const accounts = new Z.Record.RecordOperations("Accounts");
  const [account] = succeeded(await accounts.createRecords(body(record({ Account_Name: "SDK" }))), 201);
  const contact = record({ Last_Name: "Related" });
  contact.addKeyValue("Account_Name", record({}, account.id));
  succeeded(await new Z.Record.RecordOperations("Contacts").createRecords(body(contact)), 201);
  const related = new Z.RelatedRecords.RelatedRecordsOperations("Contacts", "Accounts");
  const map = await params([Z.RelatedRecords.GetRelatedRecordsParam.FIELDS, "Last_Name"]);
  const [got] = content(await related.getRelatedRecords(account.id, map)).getData();
  assert.equal(got.getKeyValue("Last_Name"), "Related");
});

step("subforms", async () => {
  const projects = new Z.Record.RecordOperations("Projects");
  const [made] = succeeded(await projects.createRecords(body(record({
    Name: "Quay", Milestones: [record({ Title: "one" }), record({ Title: "two" })] }))), 201);
  const [got] = content(await projects.getRecord(made.id)).getData();
  assert.deepEqual(got.getKeyValue("Milestones").map((row) => row.getKeyValue("Title")), ["one", "two"]);
});

step("COQL", async () => {
  const wrapper = new Z.Coql.BodyWrapper();
  wrapper.setSelectQuery(`select Last_Name, Company from Leads where (Email = 'kit@sdk.example' and id > 0) limit 5`);
  const [got] = content(await new Z.Coql.CoqlOperations().getRecords(wrapper)).getData();
  assert.equal(got.getId(), lead);
  assert.equal(got.getKeyValue("Company"), "Changed");
});

step("users", async () => {
  const operations = new Z.Users.UsersOperations();
  const users = content(await operations.getUsers(await params([Z.Users.GetUsersParam.TYPE, "AllUsers"]))).getUsers();
  assert.ok(users.length > 1);
  const one = content(await operations.getUser(users[0].getId())).getUsers()[0];
  assert.equal(one.getEmail(), users[0].getEmail());
});

step("bulk read, to the downloaded file", async () => {
  const operations = new Z.BulkRead.BulkReadOperations();
  const query = new Z.BulkRead.Query();
  const module = new Z.Modules.MinifiedModule();
  module.setAPIName("Leads");
  await query.setModule(module);
  query.setFields(["Last_Name", "Email"]);
  query.setPage(1);
  const wrapper = new Z.BulkRead.BodyWrapper();
  await wrapper.setQuery(query);
  const [made] = succeeded(await operations.createBulkReadJob(wrapper), 201);
  const id = made.id;
  let detail;
  for (let tries = 0; tries < 20 && detail?.getState().getValue() !== "COMPLETED"; tries++)
    [detail] = content(await operations.getBulkReadJobDetails(id)).getData();
  assert.equal(detail.getState().getValue(), "COMPLETED");
  assert.ok(detail.getResult().getCount() > 2000);
  const file = (await content(await operations.downloadResult(id))).getFile();
  const target = path.join(scratch, `${id}.zip`);
  fs.writeFileSync(target, file.getStream());
  assert.equal(fs.readFileSync(target).subarray(0, 2).toString(), "PK");
});

step("notifications", async () => {
  const operations = new Z.Notifications.NotificationsOperations();
  const listener = await hook();
  const channel = new Z.Notifications.Notification();
  channel.setChannelId("1000000068001");
  channel.setNotifyUrl(listener.url);
  channel.setEvents(["Leads.all"]);
  channel.setToken("s3cr3t");
  channel.setChannelExpiry(new Date(Math.floor(Date.now() / 1000) * 1000 + 3000000));
  const wrapper = new Z.Notifications.BodyWrapper();
  wrapper.setWatch([channel]);
  const entries = content(await operations.enableNotifications(wrapper), 201).getWatch();
  assert.equal(entries[0].getStatus().getValue(), "success");
  const { GetNotificationsParam, DeleteNotificationParam } = Z.Notifications;
  const map = await params([GetNotificationsParam.CHANNEL_ID, "1000000068001"], [GetNotificationsParam.MODULE, "Leads"]);
  const [shown] = content(await operations.getNotifications(map)).getWatch();
  assert.equal(shown.getNotifyUrl(), listener.url);
  succeeded(await leads.updateRecord(lead, body(record({ Mobile: "8" }))), 200);
  const told = await listener.next();
  assert.equal(told.operation, "update");
  assert.deepEqual(told.ids, [lead.toString()]);
  assert.equal(told.token, "s3cr3t");
  content(await operations.updateNotifications(wrapper));
  content(await operations.deleteNotification(await params([DeleteNotificationParam.CHANNEL_IDS, "1000000068001"])));
  listener.close();
});

step("delete, deleted", async () => {
  succeeded(await leads.deleteRecord(other), 200);
  succeeded(await leads.deleteRecords(await params([DeleteRecordsParam.IDS, lead.toString()])), 200);
  const gone = content(await leads.getDeletedRecords(await params([Z.Record.GetDeletedRecordsParam.TYPE, "all"])));
  const ids = gone.getData().map((each) => each.getId());
  assert.ok(ids.includes(lead) && ids.includes(other));
  assert.ok(gone.getData()[0].getDeletedTime() instanceof Date);
});

console.log(`1..${steps.length}`);
let failed = 0;
for (const [index, { name, run }] of steps.entries()) {
  try {
    await run();
    console.log(`ok ${index + 1} - ${name}`);
  } catch (error) {
    failed++;
    console.log(`not ok ${index + 1} - ${name}`);
    const text = `${error.stack ?? ""}\n${error.message ?? ""} ${error.code ?? ""} ${shown(error.details ?? "")} ${error.cause?.stack ?? ""}`;
    text.split("\n").forEach((line) => console.log("# " + line));
  }
}
process.exit(failed > 0 ? 1 : 0);
