# Writes a random stream of sends (events.ndjson) and what becomes of each under the policy of test_policy.sh (want). It shares nothing with
# Camp: for each contact it walks through every moment at which anything could change, and asks about all that waits at each of them.
import bisect, datetime, heapq, json, random, sys, zoneinfo

utc = datetime.timezone.utc
zones = {z: zoneinfo.ZoneInfo(z) for z in ("Europe/Paris", "America/New_York", "Asia/Kolkata")}
# priority (0 first), topic, expiry in seconds
messages = {"urgent": (0, "offers", None), "offer": (1, "offers", None), "flash": (1, "offers", 36 * 3600), "tip": (2, None, None)}
contacts, sends, days = int(sys.argv[2]), 70, 45
first = datetime.datetime(2026, 3, 1, tzinfo=utc)


def moment(local, zone):
    """A wall clock's reading: of one that comes twice the first, of one that does not exist the one an hour later."""
    return local.replace(tzinfo=zone, fold=0).astimezone(utc)


def nights(zone):
    """The quiet hours of each day, as moments."""
    out, day = [], first.date() - datetime.timedelta(days=2)
    for _ in range(days + 60):
        after = day + datetime.timedelta(days=1)
        out.append((moment(datetime.datetime.combine(day, datetime.time(21)), zone), moment(datetime.datetime.combine(after, datetime.time(8)), zone)))
        day = after
    return out


def week_later(at, zone):
    return moment(at.astimezone(zone).replace(tzinfo=None) + datetime.timedelta(days=7), zone)


def run(asked, zone):
    """asked: (at, number, message). Gives (number, state, at)."""
    quiet = nights(zone)
    begins = [n[0] for n in quiet]
    known = {a[0] for a in asked} | {n[1] for n in quiet} | {a[0] + datetime.timedelta(seconds=messages[a[2]][2]) for a in asked if messages[a[2]][2]}
    moments = sorted(known)
    waiting, left, out, queue = [], [], [], list(asked)
    while moments:
        now = heapq.heappop(moments)
        night = quiet[bisect.bisect_right(begins, now) - 1]
        while queue and queue[0][0] <= now:
            waiting.append(queue.pop(0))
        waiting.sort(key=lambda a: (messages[a[2]][0], a[0], a[1]))
        for a in list(waiting):
            rank, topic, expiry = messages[a[2]]
            full = sum(1 for at, _ in left if now - at < datetime.timedelta(hours=24)) >= 2
            full |= topic == "offers" and sum(1 for at, t in left if t == "offers" and now < week_later(at, zone)) >= 5
            if not full and not night[0] <= now < night[1]:
                waiting.remove(a)
                out.append((a[1], "sent", now))
                left.append((now, topic))
                for later in (now + datetime.timedelta(hours=24), week_later(now, zone)):
                    if later not in known:
                        known.add(later)
                        heapq.heappush(moments, later)
            elif expiry is not None and now >= a[0] + datetime.timedelta(seconds=expiry):
                waiting.remove(a)
                out.append((a[1], "dropped", now))
        if now > first + datetime.timedelta(days=days + 55):
            break
    return out + [(a[1], "held", None) for a in waiting]


rng = random.Random(int(sys.argv[1]))
events, want, count = [], [], 0
for c in range(contacts):
    zone, key = rng.choice(list(zones)), "c%03d" % c
    events.append((first - datetime.timedelta(days=1), {"type": "identify", "userId": key, "traits": {"timezone": zone}}))
    events.append((first - datetime.timedelta(days=1), {"type": "track", "event": "subscribe", "userId": key, "properties": {"topic": "offers"}}))
    # Whole minutes, so that some come at the very edges, and several at one moment; more in some weeks than may ever leave.
    asked, busy = [], rng.randint(4, days)
    for _ in range(rng.randint(sends // 4, sends)):
        at = first + datetime.timedelta(minutes=rng.randrange(busy * 288) * 5)
        asked += [(at, rng.choice(list(messages))) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
    asked.sort(key=lambda a: a[0])
    numbered = []
    for at, message in asked:
        count += 1
        numbered.append((at, count, message))
        events.append((at, {"type": "track", "event": "want", "userId": key, "properties": {"message": message, "number": count}}))
    for number, state, at in run(numbered, zones[zone]):
        want.append("%s|%d|%s|%s" % (key, number, state, at.strftime("%Y-%m-%dT%H:%M:%S") if at else "-"))
events.sort(key=lambda e: e[0])
with open("events.ndjson", "w") as f:
    for at, e in events:
        f.write(json.dumps(dict(e, timestamp=at.strftime("%Y-%m-%dT%H:%M:%SZ"))) + "\n")
with open("want", "w") as f:
    f.write("\n".join(sorted(want)) + "\n")
print(count)
