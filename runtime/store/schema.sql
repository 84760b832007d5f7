-- The database of one Camp project. It is yours: the views at the end answer the common questions in plain SQL, and reading is
-- free at any time, also while `camp run` writes.
--
-- Times are milliseconds since 1970-01-01 UTC; the views show them as text too. Columns that repeat another (`received` when it
-- equals `at`, `base` when it equals `since`) are NULL, because a NULL costs one byte and a time seven.
-- Hot tables have no secondary index: each index would cost one more random page a written row.

create table meta(
  -- One row. The secret keys of the contact index: outside input cannot aim at one place of it.
  id INTEGER PRIMARY KEY check(id = 1),
  hash_0 INTEGER NOT NULL,          -- SipHash key of contact_key.hash
  hash_1 INTEGER NOT NULL,
  check_0 INTEGER NOT NULL,         -- SipHash key of contact_key.proof
  check_1 INTEGER NOT NULL,
  lived INTEGER NOT NULL            -- 1: `camp run` was here; its contacts wait in real time, and no simulation may wake them
) strict;

create table counter(
  -- One row, written by each transaction that moves one of them.
  id INTEGER PRIMARY KEY check(id = 1),
  epoch INTEGER NOT NULL,           -- number of deploys so far
  contact_last INTEGER NOT NULL,    -- the newest contact
  outbox_settled INTEGER NOT NULL   -- outbox rows up to this id are finished, or listed in outbox_late
) strict;

create table clock(
  -- One row: where the engine stands.
  id INTEGER PRIMARY KEY check(id = 1),
  now INTEGER NOT NULL,             -- virtual time reached, or the last tick's time
  event_done INTEGER NOT NULL,      -- events up to this id have been through a tick
  round_last INTEGER NOT NULL,      -- the round under way: inputs up to this id (0: none)
  round_limit INTEGER NOT NULL,     -- and timers up to this moment
  round_contact INTEGER NOT NULL,   -- contacts up to this id are finished
  round_phase INTEGER NOT NULL,     -- in this phase: 0 inputs, 1 timers
  swept_epoch INTEGER NOT NULL,     -- every contact has met this deploy
  sweep_epoch INTEGER NOT NULL,     -- and is being shown this one (0: none)
  sweep_contact INTEGER NOT NULL    -- contacts up to this id have seen it
) strict;

create table source(
  -- How far each input has been taken.
  key TEXT PRIMARY KEY,             -- "file:/path" or "stdin"
  byte_offset INTEGER NOT NULL,     -- bytes taken
  line INTEGER NOT NULL,            -- lines taken
  bytes_known INTEGER NOT NULL,     -- size when last looked at
  mark_at INTEGER NOT NULL,         -- sorted input: own time of the last line taken
  mark_line INTEGER NOT NULL,       -- and its number
  count INTEGER NOT NULL            -- inputs accepted
) strict, without rowid;

create table name(
  -- Event, list, tag, campaign, measure and message names as small numbers that never change.
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,            -- 1 event, 2 list or tag, 3 schedule, 4 campaign, 5 measure, 6 message, 7 segment,
                                    -- 8 score, 9 content, 10 channel, 11 experiment, 12 variant,
                                    -- 13 operation that was called
  text TEXT NOT NULL,
  epoch INTEGER NOT NULL            -- measures, schedules, segments, scores: the deploy that brought it; else 0
) strict;

create table deploy(
  -- When the program was changed.
  epoch INTEGER PRIMARY KEY,        -- number of the deploy
  at INTEGER NOT NULL
) strict;

create table unit(
  -- A compiled campaign, message or sequence by content: a changed script makes a new unit, and runs keep the one they began in.
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,        -- of the content
  name TEXT NOT NULL,
  place INTEGER,                    -- place in the current program, in order of declaration; NULL: an older version
  strands INTEGER NOT NULL,         -- runs that stand in it now
  over INTEGER NOT NULL,            -- runs that have ended and are kept because a goal may still count
  deployed INTEGER,                 -- when it last became current
  body BLOB NOT NULL                -- the program bytes
) strict;

create table step(
  -- Where a place of a unit stands in its script.
  unit INTEGER NOT NULL,
  pc INTEGER NOT NULL,              -- place in the code
  file TEXT NOT NULL,
  line INTEGER NOT NULL,
  column INTEGER NOT NULL,
  label TEXT NOT NULL,              -- the step as a person would call it
  primary key(unit, pc)
) strict, without rowid;

create table contact_key(
  -- Contacts by key. A text index would hold each key twice and write wherever the alphabet says; this holds 56 bits of a keyed
  -- hash, in whose order a batch is looked up and written. A taken place means the next one. The proof, 32 bits of a second
  -- keyed hash, tells keys apart without reading the contact: 88 secret bits.
  hash INTEGER PRIMARY KEY,
  proof INTEGER NOT NULL,
  contact INTEGER NOT NULL
) strict;

create table alias(
  -- Other keys of a contact: `alias` or `identify` said that both are one. contact_key points each of them to that contact.
  key TEXT PRIMARY KEY,
  contact INTEGER NOT NULL,         -- who it is now
  was INTEGER,                      -- its number while it was a contact of its own. NULL: it never was
  at INTEGER NOT NULL               -- since when
) strict, without rowid;
create index alias_contact on alias(contact);
create index alias_was on alias(was) where was is not null;

create table slot(
  -- A contact and its strands side by side, so that an event reads and writes one page. id = contact * 4096 + slot; slot 0 is the
  -- contact itself, the others are its strands: runs of campaigns. Columns of the other sort are NULL.
  id INTEGER PRIMARY KEY,
  due INTEGER,                      -- contact: when it is to be looked at; strand: when its wait ends. NULL: only an event wakes it
  since INTEGER,                    -- contact: known since; strand: when the wait began
  body BLOB,                        -- contact: measures, memberships, entries, recent event ids; strand: values that later steps read
  unit INTEGER,                     -- strand: the unit it runs
  pc INTEGER,                       -- strand: the place in the unit's code
  base INTEGER,                     -- strand: from when the wait's delay counts. NULL: since
  started INTEGER,                  -- strand: own time of what started it. NULL: since
  entry INTEGER,                    -- strand: the contact's n-th entry into the campaign
  fork INTEGER,                     -- strand: number of this branch within the run
  sends INTEGER,                    -- strand: messages sent or dropped so far
  converted INTEGER,                -- strand: 1 when the goal was met, 2 when the run has ended and only its goal is still waited for
  last_event INTEGER,               -- contact: its newest event; each event names the one before
  last_message INTEGER,             -- contact: its newest outbox row; each names the one before
  key TEXT,                         -- contact: the key it is known by
  attributes TEXT                   -- contact: its attributes, a JSON object
) strict;

create table timer(
  -- One row a contact that has something due; slot.due of the contact says the same. It may be earlier than needed, never later.
  due INTEGER NOT NULL,
  contact INTEGER NOT NULL,
  primary key(due, contact)
) strict, without rowid;

create table event(
  -- What happened, as it came; append-only.
  id INTEGER PRIMARY KEY,           -- order of arrival
  contact INTEGER NOT NULL,
  at INTEGER NOT NULL,              -- its own time
  received INTEGER,                 -- when it arrived. NULL: at
  name INTEGER NOT NULL,            -- name.id
  prev INTEGER,                     -- the contact's event before
  kind INTEGER NOT NULL,            -- 0 track, 1 identify, 2 emitted, 3 imported, 4 the engine's remark, 5 alias
  ident INTEGER,                    -- hash of the event's own id, if it had one
  body TEXT,                        -- properties, a JSON object
  outcome TEXT                      -- what it did not do and why, one a line
) strict;

create table seen(
  -- Older event ids of a contact, in chunks; recent ones are in the contact's body.
  contact INTEGER NOT NULL,
  day_last INTEGER NOT NULL,        -- the newest day in the chunk, days since 1970
  part INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  primary key(contact, day_last, part)
) strict, without rowid;

create table entry_key(
  -- `entry once per KEY`: with which keys a contact has entered a campaign.
  contact INTEGER NOT NULL,
  campaign INTEGER NOT NULL,        -- name.id
  hash INTEGER NOT NULL,            -- of the key
  primary key(contact, campaign, hash)
) strict, without rowid;

create table member(
  -- Who is in which list or segment.
  list INTEGER NOT NULL,            -- name.id
  contact INTEGER NOT NULL,
  since INTEGER NOT NULL,
  primary key(list, contact)
) strict, without rowid;

create table score_rank(
  -- Contacts by points, the highest first, at any time: while no points come, the order does not change, so `rank` does not either.
  -- With a half-life it is log2 of the points and the time they are of in half-lives; below 0 that, negated; else the points.
  score INTEGER NOT NULL,           -- name.id
  sign INTEGER NOT NULL,            -- of the points: 1, 0 or -1
  rank REAL NOT NULL,
  contact INTEGER NOT NULL,
  points REAL NOT NULL,             -- as of `at`
  at INTEGER NOT NULL,
  half INTEGER,                     -- half-life in milliseconds. NULL: points stay
  primary key(score, sign desc, rank desc, contact)
) strict, without rowid;

create table pause(
  -- Campaigns that are paused, or were: the last time of each. `camp pause` and `camp resume` write it beside a run.
  campaign TEXT PRIMARY KEY,        -- its name
  since INTEGER NOT NULL,           -- when it was paused
  until INTEGER,                    -- when it was resumed. NULL: it is paused
  how INTEGER                       -- what became due meanwhile: NULL as the campaign says, -1 is passed over, else spread over so many ms
) strict, without rowid;

create table held(
  -- Who had something due, or heard something, in a campaign while it was paused. A resumed campaign empties it.
  campaign INTEGER NOT NULL,        -- name.id
  contact INTEGER NOT NULL,
  primary key(campaign, contact)
) strict, without rowid;

create table tag(
  -- Who carries which tag.
  tag INTEGER NOT NULL,             -- name.id
  contact INTEGER NOT NULL,
  since INTEGER NOT NULL,
  primary key(tag, contact)
) strict, without rowid;

create table goal(
  -- Goals that were met, one a run.
  campaign INTEGER NOT NULL,        -- name.id
  contact INTEGER NOT NULL,
  entry INTEGER NOT NULL,           -- the contact's n-th entry into the campaign
  at INTEGER NOT NULL,
  event INTEGER NOT NULL,           -- what met it
  primary key(campaign, contact, entry)
) strict, without rowid;

create table experiment(
  -- Experiments, as the newest version of their campaign has them.
  id INTEGER PRIMARY KEY,           -- name.id
  campaign TEXT NOT NULL,
  name TEXT NOT NULL,
  measure TEXT NOT NULL,            -- what is measured, and for how long
  currency TEXT                     -- of the money that is added up. NULL: no money
) strict;

create table variant(
  -- Which share of all who meet an experiment each variant has, by version of the campaign.
  experiment INTEGER NOT NULL,
  unit INTEGER NOT NULL,            -- the version
  variant INTEGER NOT NULL,         -- name.id; 0: held out
  place INTEGER NOT NULL,           -- in order of the script
  share REAL NOT NULL,              -- from 0 to 1
  primary key(experiment, unit, variant)
) strict, without rowid;

create table assignment(
  -- Who has which variant of an experiment, and what came of it.
  experiment INTEGER NOT NULL,
  contact INTEGER NOT NULL,
  variant INTEGER NOT NULL,         -- name.id; 0: held out
  unit INTEGER NOT NULL,            -- the version of the campaign that assigned
  place INTEGER NOT NULL,           -- the draw, 0 to 999999: a hash of the contact's key, the campaign and the experiment
  at INTEGER NOT NULL,              -- when the contact met the experiment
  until INTEGER NOT NULL,           -- up to when a response counts
  exposed INTEGER,                  -- when the variant first did something. NULL: not yet
  converted INTEGER,                -- the earliest response. NULL: none
  responses INTEGER NOT NULL,       -- how many
  total REAL NOT NULL,              -- of their values: 1 each, or what is added up, money in 1/10000
  crossed INTEGER,                  -- the contact turned out to be one with another, who had this variant (0: held out)
  primary key(experiment, contact)
) strict, without rowid;

create table consent_record(
  -- What contacts said to topics, each change a row that stays: the proof of consent.
  topic INTEGER NOT NULL,           -- name.id; 0: every topic at once
  contact INTEGER NOT NULL,
  number INTEGER NOT NULL,          -- the contact's n-th change of this topic; the highest is the present state
  state INTEGER NOT NULL,           -- 1 pending (double opt in: asked, not confirmed), 2 granted, 3 refused
  at INTEGER NOT NULL,              -- when it was said
  how TEXT NOT NULL,                -- by which event or campaign
  primary key(topic, contact, number)
) strict, without rowid;

create table outbox(
  -- Messages and calls of other systems, each with what became of it. Appended by the engine; only state, sent and reason change, and of one that was held its
  -- at and via when it is released.
  id INTEGER PRIMARY KEY,
  contact INTEGER NOT NULL,
  prev INTEGER,                     -- the contact's row before
  at INTEGER NOT NULL,              -- when it was released or dropped; while it is held, when the script sent it
  sent INTEGER,                     -- when it left or was given up; equals `at` until then, so that the row keeps its size; of one that
                                    -- is held, when it is asked about again
  message INTEGER NOT NULL,         -- name.id: of a message (kind 6) or of the operation that is called (kind 13)
  campaign INTEGER NOT NULL,        -- name.id
  unit INTEGER NOT NULL,            -- the strand's unit
  pc INTEGER NOT NULL,              -- the step that sent it
  entry INTEGER NOT NULL,           -- contact, campaign, entry, fork and ordinal are the message's key, which never changes
  fork INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  state INTEGER NOT NULL,           -- 0 ready, 1 claimed, 2 sent, 3 dropped, 4 withdrawn, 5 failed, 6 deferred, 7 held by the policy, 8 in doubt (deferred, and perhaps delivered),
                                    -- 9 paused by `camp outbox pause`
  reason TEXT,
  given TEXT,                       -- `send … with { }`: the values as they were then, a JSON object
  asked INTEGER,                    -- of one that was held: when the script sent it
  via TEXT                          -- `send … via`: while it is held its channels, then the one that was chosen; null: the message's own
) strict;
-- Those that failed or are held; few, and rows of other states never touch it.
create index outbox_given_up on outbox(id) where state in (5, 7);

create table content_shown(
  -- What is shown to whom on a page, from when until when.
  contact INTEGER NOT NULL,
  campaign INTEGER NOT NULL,        -- name.id
  entry INTEGER NOT NULL,           -- the contact's n-th entry into the campaign
  fork INTEGER NOT NULL,
  content INTEGER NOT NULL,         -- name.id
  at INTEGER NOT NULL,
  until INTEGER NOT NULL,           -- no longer at this moment
  unit INTEGER NOT NULL,            -- the strand's unit
  pc INTEGER NOT NULL,              -- the step that shows it
  primary key(contact, campaign, entry, fork, content, at)
) strict, without rowid;

create table outbox_was(
  -- Messages that were waiting, and calls, when their contact became one with another: a key never changes, so these keep theirs.
  id INTEGER PRIMARY KEY,           -- outbox.id
  key TEXT NOT NULL,                -- the contact's key then
  entry INTEGER NOT NULL            -- and the run's number
) strict;

create table outbox_late(
  -- Rows that a sender put off, and that the policy held; few, so they may have an index.
  id INTEGER PRIMARY KEY,           -- outbox.id
  due INTEGER NOT NULL,             -- when to try again
  pause INTEGER                     -- the outbox_action that holds it
) strict;
create index outbox_late_due on outbox_late(due);

create table outbox_action(
  -- What people did to the outbox, by `camp outbox`, and why. A pause without an end holds. A NULL in message, campaign, contact or
  -- domain means any.
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  action INTEGER NOT NULL,          -- 1 pause, 2 resume, 3 retry, 4 withdraw
  message TEXT, campaign TEXT, contact TEXT,
  domain TEXT,                      -- of the address, in small letters
  relay TEXT,                       -- pause of a relay: its host
  reason TEXT NOT NULL,             -- as it was given; empty when none was
  count INTEGER NOT NULL,           -- messages that it moved at once
  until INTEGER                     -- a pause: when it was resumed
) strict;

create table sender(
  -- What a sender has made durable, written together with the states of its rows.
  key TEXT PRIMARY KEY,
  mark INTEGER NOT NULL             -- a file's length
) strict, without rowid;

create table reject(
  -- Lines that could not be taken.
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,              -- when it was refused
  line INTEGER NOT NULL,            -- its number in the source
  source TEXT NOT NULL,
  reason TEXT NOT NULL,
  text TEXT NOT NULL                -- the line, its beginning when it is long
) strict;

-- Views: the questions that people ask. Each has the internal numbers too, for joins.

create view contact as
  -- Who is known, with attributes; `since` is the moment they were first heard of.
  select key as contact, attributes, strftime('%Y-%m-%dT%H:%M:%fZ', since / 1000.0, 'unixepoch') as known_since,
    id >> 12 as contact_id, since as known_since_ms, due as due_ms
  from slot where id & 4095 = 0;

create view also_known_as as
  -- Other keys of contacts, since when.
  select c.key as contact, a.key as key, strftime('%Y-%m-%dT%H:%M:%fZ', a.at / 1000.0, 'unixepoch') as since,
    a.contact as contact_id, a.at as since_ms
  from alias a join slot c on c.id = a.contact << 12;

create view position as
  -- Where everybody stands: one row a run under way. (Runs that have ended and only wait for a goal are not here.)
  select c.key as contact, u.name as campaign, p.file as file, p.line as line, p.label as step,
    strftime('%Y-%m-%dT%H:%M:%fZ', s.due / 1000.0, 'unixepoch') as waits_until,
    strftime('%Y-%m-%dT%H:%M:%fZ', s.since / 1000.0, 'unixepoch') as waiting_since,
    strftime('%Y-%m-%dT%H:%M:%fZ', ifnull(s.started, s.since) / 1000.0, 'unixepoch') as started,
    s.entry as entry, s.fork as fork, s.sends as sends, s.converted as converted, u.place is not null as current_version,
    s.id >> 12 as contact_id, s.unit as unit, s.pc as pc, s.due as waits_until_ms, s.since as waiting_since_ms,
    ifnull(s.started, s.since) as started_ms
  from slot s
  join slot c on c.id = (s.id >> 12) << 12
  left join unit u on u.id = s.unit
  left join step p on p.unit = s.unit and p.pc = s.pc
  where s.id & 4095 <> 0 and s.converted is not 2;

create view due as
  -- What is due when, by campaign and step.
  select campaign, step, file, line, count(*) as contacts, min(waits_until) as next, max(waits_until) as last,
    min(waits_until_ms) as next_ms
  from position where waits_until_ms is not null group by campaign, file, line, step;

create view membership as
  -- Who is in which list or segment since when.
  select c.key as contact, n.text as list, strftime('%Y-%m-%dT%H:%M:%fZ', m.since / 1000.0, 'unixepoch') as since,
    m.contact as contact_id, m.since as since_ms
  from member m join name n on n.id = m.list join slot c on c.id = m.contact << 12;

create view tagged as
  -- Who carries which tag since when.
  select c.key as contact, n.text as tag, strftime('%Y-%m-%dT%H:%M:%fZ', t.since / 1000.0, 'unixepoch') as since,
    t.contact as contact_id, t.since as since_ms
  from tag t join name n on n.id = t.tag join slot c on c.id = t.contact << 12;

create view consent_history as
  -- Each change of each consent: when, and how it came.
  select c.key as contact, ifnull(n.text, 'every topic') as topic,
    case r.state when 1 then 'pending' when 2 then 'granted' else 'refused' end as state,
    strftime('%Y-%m-%dT%H:%M:%fZ', r.at / 1000.0, 'unixepoch') as at, r.how as how, r.number as number,
    r.contact as contact_id, r.at as at_ms, r.topic as topic_id
  from consent_record r join slot c on c.id = r.contact << 12 left join name n on n.id = r.topic;

create view consent as
  -- Who consents to what now, since when, and how that came.
  select h.contact, h.topic, h.state, h.at as since, h.how, h.contact_id, h.at_ms as since_ms
  from consent_history h
  where h.topic_id <> 0 and
    h.number = (select max(number) from consent_record r where r.topic = h.topic_id and r.contact = h.contact_id);

create view message as
  -- Every message, sent or not, and why.
  select c.key as contact, m.text as message, k.text as campaign,
    strftime('%Y-%m-%dT%H:%M:%fZ', o.at / 1000.0, 'unixepoch') as at,
    case o.state when 0 then 'ready' when 1 then 'claimed' when 2 then 'sent' when 3 then 'dropped' when 4 then 'withdrawn'
      when 5 then 'failed' when 6 then 'deferred' when 7 then 'held' when 8 then 'in doubt' when 9 then 'paused' end as state,
    o.reason as reason, o.given as given, o.via as via,
    case o.state when 7 then strftime('%Y-%m-%dT%H:%M:%fZ', o.sent / 1000.0, 'unixepoch') end as held_until,
    strftime('%Y-%m-%dT%H:%M:%fZ', o.asked / 1000.0, 'unixepoch') as asked,
    case o.state when 2 then strftime('%Y-%m-%dT%H:%M:%fZ', o.sent / 1000.0, 'unixepoch') end as sent,
    o.entry as entry, o.fork as fork, o.ordinal as ordinal, p.file as file, p.line as line,
    o.id as outbox_id, o.contact as contact_id, o.at as at_ms
  from outbox o join slot c on c.id = o.contact << 12 join name m on m.id = o.message and m.kind = 6 join name k on k.id = o.campaign
  left join step p on p.unit = o.unit and p.pc = (select max(pc) from step where unit = o.unit and pc <= o.pc);

create view call as
  -- Every call of another system, what it was given, and what became of it.
  select c.key as contact, m.text as operation, k.text as campaign,
    strftime('%Y-%m-%dT%H:%M:%fZ', o.at / 1000.0, 'unixepoch') as at,
    case o.state when 0 then 'ready' when 1 then 'claimed' when 2 then 'sent' when 3 then 'dropped' when 4 then 'withdrawn'
      when 5 then 'failed' when 6 then 'deferred' when 8 then 'in doubt' when 9 then 'paused' end as state,
    o.reason as reason, o.given as given,
    case o.state when 2 then strftime('%Y-%m-%dT%H:%M:%fZ', o.sent / 1000.0, 'unixepoch') end as sent,
    o.entry as entry, o.fork as fork, o.ordinal as ordinal, p.file as file, p.line as line,
    o.id as outbox_id, o.contact as contact_id, o.at as at_ms
  from outbox o join slot c on c.id = o.contact << 12 join name m on m.id = o.message and m.kind = 13 join name k on k.id = o.campaign
  left join step p on p.unit = o.unit and p.pc = (select max(pc) from step where unit = o.unit and pc <= o.pc);

create view experiment_contact as
  -- Who has which variant of an experiment, and what came of it.
  select c.key as contact, x.name as experiment, x.campaign as campaign, iif(a.variant, v.text, 'holdout') as variant,
    strftime('%Y-%m-%dT%H:%M:%fZ', a.at / 1000.0, 'unixepoch') as assigned,
    strftime('%Y-%m-%dT%H:%M:%fZ', a.until / 1000.0, 'unixepoch') as until,
    strftime('%Y-%m-%dT%H:%M:%fZ', a.exposed / 1000.0, 'unixepoch') as exposed,
    strftime('%Y-%m-%dT%H:%M:%fZ', a.converted / 1000.0, 'unixepoch') as converted, a.responses as responses,
    a.total / iif(x.currency is null, 1, 10000) as total, x.currency as currency,
    iif(a.crossed is null, null, ifnull(w.text, 'holdout')) as crossed, a.place as place,
    a.experiment as experiment_id, a.contact as contact_id, a.variant as variant_id, a.unit as unit, a.at as assigned_ms,
    a.until as until_ms, a.exposed as exposed_ms, a.converted as converted_ms, a.until < (select now from clock) as over
  from assignment a join experiment x on x.id = a.experiment join slot c on c.id = a.contact << 12
  left join name v on v.id = a.variant left join name w on w.id = a.crossed;

create view experiment_known as
  -- Experiments: what each measures, and whether the present program has it.
  select x.name as experiment, x.campaign as campaign, x.measure as measure, x.currency as currency,
    exists(select 1 from variant v join unit u on u.id = v.unit where v.experiment = x.id and u.place is not null) as current, x.id as experiment_id
  from experiment x;

create view experiment_result as
  -- Each variant of each experiment. Whoever met it counts as assigned; `over`: those whose time to respond is over. Only of these are
  -- converted, rate (converted / over), mean and squares (of what their responses add up to), so that variants can be compared.
  -- `expected`: how many should be assigned, by the shares at the time. `crossed`: of those assigned, who had another variant, too.
  with arm(experiment, variant, place, share) as (
    select experiment, variant, max(place), share from variant group by experiment, variant
  ), got as (
    select experiment, variant, count(*) as assigned, count(exposed) as exposed, count(crossed) as crossed,
      sum(until < (select now from clock)) as over,
      sum(until < (select now from clock) and converted is not null) as converted, sum(responses) as responses,
      sum(iif(until < (select now from clock), total, 0)) as total,
      sum(iif(until < (select now from clock), total * total, 0)) as squares, count(converted) as converted_so_far
    from assignment group by experiment, variant
  ), met as (
    select experiment, unit, count(*) as contacts from assignment group by experiment, unit
  ), due as (
    select v.experiment as experiment, v.variant as variant, sum(m.contacts * v.share) as expected
    from met m join variant v on v.experiment = m.experiment and v.unit = m.unit group by v.experiment, v.variant
  )
  select x.name as experiment, x.campaign as campaign, iif(arm.variant, n.text, 'holdout') as variant, ifnull(g.assigned, 0) as assigned,
    round(ifnull(d.expected, 0), 1) as expected, ifnull(g.exposed, 0) as exposed, ifnull(g.crossed, 0) as crossed, ifnull(g.over, 0) as over,
    ifnull(g.converted, 0) as converted, iif(g.over, round(g.converted * 1.0 / g.over, 6), null) as rate,
    iif(g.over, round(g.total / iif(x.currency is null, 1, 10000) / g.over, 6), null) as mean,
    ifnull(g.total, 0) / iif(x.currency is null, 1, 10000) as total,
    ifnull(g.squares, 0) / iif(x.currency is null, 1, 100000000) as squares, x.currency as currency,
    ifnull(g.responses, 0) as responses, ifnull(g.converted_so_far, 0) as converted_so_far, arm.place as place,
    x.id as experiment_id, arm.variant as variant_id
  from experiment x join arm on arm.experiment = x.id
  left join got g on g.experiment = x.id and g.variant = arm.variant
  left join due d on d.experiment = x.id and d.variant = arm.variant
  left join name n on n.id = arm.variant;

create view shown as
  -- What is or was shown on pages.
  select c.key as contact, n.text as content, k.text as campaign,
    strftime('%Y-%m-%dT%H:%M:%fZ', w.at / 1000.0, 'unixepoch') as shown_from,
    strftime('%Y-%m-%dT%H:%M:%fZ', w.until / 1000.0, 'unixepoch') as shown_until,
    w.entry as entry, w.fork as fork, p.file as file, p.line as line, w.contact as contact_id, w.at as at_ms, w.until as until_ms
  from content_shown w join slot c on c.id = w.contact << 12 join name n on n.id = w.content join name k on k.id = w.campaign
  left join step p on p.unit = w.unit and p.pc = (select max(pc) from step where unit = w.unit and pc <= w.pc);

create view history as
  -- What happened to everybody, in order of arrival.
  select c.key as contact, strftime('%Y-%m-%dT%H:%M:%fZ', e.at / 1000.0, 'unixepoch') as at, n.text as event,
    e.body as properties, e.outcome as outcome,
    case e.kind when 0 then 'track' when 1 then 'identify' when 2 then 'emitted' when 3 then 'imported' when 4 then 'note' when 5 then 'alias' end as kind,
    strftime('%Y-%m-%dT%H:%M:%fZ', ifnull(e.received, e.at) / 1000.0, 'unixepoch') as received,
    e.id as event_id, e.contact as contact_id, e.at as at_ms
  from event e join slot c on c.id = e.contact << 12 join name n on n.id = e.name;

create view conversion as
  -- Goals that were met.
  select c.key as contact, k.text as campaign, g.entry as entry, strftime('%Y-%m-%dT%H:%M:%fZ', g.at / 1000.0, 'unixepoch') as at,
    g.event as event_id, g.contact as contact_id, g.at as at_ms
  from goal g join slot c on c.id = g.contact << 12 join name k on k.id = g.campaign;

create view campaign as
  -- Campaigns and their versions: how many stand in each. Older versions stay until their last run has ended.
  select name as campaign, substr(lower(hex(hash)), 1, 12) as version, strands, place is not null as current,
    strftime('%Y-%m-%dT%H:%M:%fZ', deployed / 1000.0, 'unixepoch') as deployed, id as unit
  from unit where place is not null or strands > 0;
