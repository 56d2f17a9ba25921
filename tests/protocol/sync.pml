/* The sync of one section: requests, leases, takeovers, lost answers, and what the ledger keeps.

   Two workers, two assignments with a score each. A score is its version: the teacher's first is 1. Bit i of a
   mask is assignment i. docs/protocol.md names the function of src that each step stands for.

   Each -DNO_... removes a guard of the protocol: then a check fails. -DLATE_SCORES lets scores take effect after
   their call was given up. -DTRACE admits nothing but the events of a recorded run (follow.h), -DLIVE looks for
   syncs that never end.                                                                                       */

#ifndef REQUESTS
#define REQUESTS 2        /* at least 2 */
#endif
#ifndef GRADES
#define GRADES 2          /* versions of a score */
#endif
#ifndef LOSSES
#define LOSSES 1          /* answers that are lost */
#endif
#ifndef STOPS
#define STOPS 1           /* workers that die, are cancelled, or give their sync back */
#endif
#ifndef BATCH
#define BATCH 2           /* scores in one call */
#endif
#ifndef DEADLINE
#define DEADLINE 0        /* ticks from a request to its settles_by, 0 for ever */
#endif

/* A tick is a call timeout. A lease lasts two, and is taken over once another has passed. */
#ifdef NO_TAKEOVER_WAIT
#define GRACE 0
#else
#define GRACE 2
#endif
#define FULL (GRACE + 2)  /* a lease just granted: above GRACE it stands, at 0 it may be taken over */
#define FLIGHT 2          /* ticks from its permit within which a call takes effect, if at all */
#define LANDING 2         /* ticks after which a call that was given up has taken effect, if at all */
#define NOT_READ 15

#define BIT(i) (1 << (i))
#define HAS(mask, i) (((mask) >> (i)) & 1)
#define LESS(mask, other) ((mask) & (3 ^ (other)))

mtype = { ABSENT, QUEUED, LEASED, COMPLETE, FAILED }
mtype = { IDLE, DEAD, OPENED, LISTED, PLANNED, INTENDED, CREATING, FINDING, FINDING_AGAIN, BATCHES, PENDING,
          SENDING, WRITING, READING_BACK, SETTLING, UNRECORDED, LOST }
mtype = { NONE, SENT, DONE, DROPPED }

byte grade[2] = 1;        /* the source */
byte created[2];          /* the SIS: assignments that stand for this one, and the score that it holds */
byte held[2];

mtype status[REQUESTS] = ABSENT;
byte owner[REQUESTS], lease[REQUESTS], rest[REQUESTS], due[REQUESTS], requested;
bool calm[REQUESTS];      /* nothing went wrong since the request */
bool recorded[REQUESTS];      /* all outcomes are stored */

typedef Ledger { byte ref, intent, owed; byte sent[2]; byte doubt[2]; byte cursor[2] }
Ledger ledger;

typedef Worker {
    mtype at = IDLE;
    byte sync, left;      /* `left` is its own count of its lease */
    byte lands;           /* and of a call that it gave up */
    Ledger known;         /* the ledger as it keeps it in memory */
    byte want[2], live[2];
    byte fresh, make, adopt, todo, batch, failed; /* masks: read, to create, found, to write, in this call, without success */
    byte one;             /* the assignment in this call */
    bool again;           /* the call was sent before */
    mtype call = NONE;
    byte age;
}
Worker w[2];

typedef Late { bool on, create; byte one, mask, age; byte value[2] }
Late late;                /* a call that nobody waits for */

byte losses = LOSSES, stops = STOPS;
byte i, s;                /* of loops within one step: always back at 0 */

#include "follow.h"

#define me w[n]            /* the worker whose step it is */
#define PROCESSING(s) (status[s] == QUEUED || status[s] == LEASED)
#ifdef NO_TOKEN
#define OWNS(worker, id) (PROCESSING(worker.sync))
#else
#define OWNS(worker, id) (status[worker.sync] == LEASED && owner[worker.sync] == id && lease[worker.sync] > GRACE)
#endif
#define OURS OWNS(me, id)
#ifdef NO_PERMIT
#define PERMITTED true
#else
#define PERMITTED (me.left > GRACE && IN_TIME)
#endif
#if DEADLINE == 0 || defined(NO_TIME_TO_LAND)
#define IN_TIME true
#else
#define IN_TIME (due[me.sync] > FLIGHT)
#endif

#define COUNT(x) if :: x -> x-- :: else fi
inline disturb() { s = 0; do :: s < REQUESTS -> calm[s] = false; s++ :: else -> s = 0; break od }

inline save() {           /* one transaction: the ledger as the worker knows it */
    i = 0;
    do
    :: i < 2 ->
        if :: HAS(me.known.intent, i) && !HAS(ledger.intent, i) -> EVENT(INTENT, i, 0) :: else fi;
        if :: HAS(me.known.ref, i) && !HAS(ledger.ref, i) -> EVENT(REF, i, 0) :: else fi;
        if :: me.known.doubt[i] && me.known.doubt[i] != ledger.doubt[i] -> EVENT(MARK, i, me.known.doubt[i])
        :: else fi;
        if :: me.known.sent[i] != ledger.sent[i] -> EVENT(KEEP, i, me.known.sent[i]) :: else fi;
        ledger.sent[i] = me.known.sent[i]; ledger.doubt[i] = me.known.doubt[i];
        ledger.cursor[i] = me.known.cursor[i]; i++
    :: else -> i = 0; break
    od;
    ledger.ref = me.known.ref; ledger.intent = me.known.intent; ledger.owed = me.known.owed
}

inline load() {
    i = 0;
    do
    :: i < 2 ->
        me.known.sent[i] = ledger.sent[i]; me.known.doubt[i] = ledger.doubt[i];
        me.known.cursor[i] = ledger.cursor[i]; i++
    :: else -> i = 0; break
    od;
    me.known.ref = ledger.ref; me.known.intent = ledger.intent; me.known.owed = ledger.owed
}

inline forget(where) {    /* the memory of a worker that is done with its sync */
    i = 0;
    do
    :: i < 2 ->
        me.known.sent[i] = 0; me.known.doubt[i] = 0; me.known.cursor[i] = 0; me.want[i] = 0; me.live[i] = 0; i++
    :: else -> i = 0; break
    od;
    me.known.ref = 0; me.known.intent = 0; me.known.owed = 0;
    me.fresh = 0; me.make = 0; me.adopt = 0; me.todo = 0; me.batch = 0; me.failed = 0; me.one = 0; me.again = false;
    me.sync = 0; me.left = 0; me.lands = 0; me.call = NONE; me.age = 0; me.at = where
}

inline put_back() {       /* under the token, though the lease may have lapsed */
    if
    :: status[me.sync] == LEASED && owner[me.sync] == id ->
        status[me.sync] = QUEUED; owner[me.sync] = 0; lease[me.sync] = 0; EVENT(RELEASE, 0, 0);
#ifndef NO_REST
        rest[me.sync] = me.lands
#endif
    :: else
    fi
}

inline leave_late() {     /* what is on its way arrives, though nobody waits for it */
    late.on = true; late.create = me.at == CREATING; late.one = me.one; late.mask = me.batch; late.age = me.age;
    late.value[0] = me.want[0]; late.value[1] = me.want[1]
}

inline give_up() {        /* the connection is closed: it takes effect soon, or never */
    leave_late(); COUNT(late.age); me.lands = LANDING
}

inline send(where) { me.call = SENT; me.age = FLIGHT; me.at = where }
inline hear(where) { me.call = NONE; me.age = 0; me.at = where }

inline deliver(rows) {    /* in memory: these scores are in the SIS */
    i = 0;
    do
    :: i < 2 ->
        if :: HAS(rows, i) -> me.known.sent[i] = me.want[i]; me.known.doubt[i] = 0 :: else fi;
        i++
    :: else -> i = 0; break
    od;
    me.known.owed = LESS(me.known.owed, rows); me.todo = LESS(me.todo, rows); me.batch = LESS(me.batch, rows)
}

inline read_source() {    /* what changed since the cursor, what is owed, and what is in doubt */
    i = 0;
    do
    :: i < 2 ->
        me.want[i] = grade[i];
        if
        :: grade[i] > me.known.cursor[i] || HAS(me.known.owed, i) || me.known.doubt[i] -> me.fresh = me.fresh | BIT(i)
        :: else
        fi;
#ifdef NO_CURSOR_AT_END
        ledger.cursor[i] = grade[i];
#endif
        i++
    :: else -> i = 0; break
    od
}

inline list_assignments() {
    i = 0;
    do
    :: i < 2 ->
        me.live[i] = NOT_READ;
        if
        :: HAS(me.known.ref, i) -> if :: me.known.doubt[i] -> me.live[i] = 0 :: else fi
        :: !HAS(me.known.ref, i) && HAS(me.known.intent, i) && created[i] -> /* adopt what we created ourselves */
            me.adopt = me.adopt | BIT(i); me.live[i] = 0
        :: else -> me.make = me.make | BIT(i)
        fi;
        i++
    :: else -> i = 0; break
    od
}

inline read_scores() {    /* of assignments that are in doubt, or were adopted */
    i = 0;
    do
#ifdef NO_DOUBT_READ
    :: i < 2 -> me.live[i] = NOT_READ; i++
#else
    :: i < 2 -> if :: me.live[i] != NOT_READ -> me.live[i] = held[i] :: else fi; i++
#endif
    :: else -> i = 0; break
    od
}

inline plan() {           /* core/decide.py */
    i = 0;
    do
    :: i < 2 ->
        if
        :: !HAS(me.fresh, i) || (me.known.doubt[i] == 0 && me.known.sent[i] == me.want[i])
        :: else ->
            if
            :: me.live[i] == me.want[i] -> me.known.sent[i] = me.want[i]; me.known.doubt[i] = 0;
                me.known.owed = LESS(me.known.owed, BIT(i))
            :: else -> me.todo = me.todo | BIT(i)
            fi
        fi;
        i++
    :: else -> i = 0; break
    od
}

inline mark() {           /* pending, before they are sent */
    i = 0;
    do
    :: i < 2 -> if :: HAS(me.batch, i) -> me.known.doubt[i] = me.want[i] :: else fi; i++
    :: else -> i = 0; break
    od
}

inline note_cursors() {
    i = 0;
    do
    :: i < 2 -> if :: HAS(me.known.ref, i) -> me.known.cursor[i] = me.want[i] :: else fi; i++
    :: else -> i = 0; break
    od
}

inline check_settled() {  /* none lost: neither in this sync, nor in one that nothing disturbed */
    CHECK(me.failed || (held[0] >= me.want[0] && held[1] >= me.want[1]));
    CHECK(!(calm[me.sync] && me.failed));
    CHECK(late.on || ((ledger.doubt[0] || held[0] == ledger.sent[0]) && (ledger.doubt[1] || held[1] == ledger.sent[1])));
    CHECK(recorded[me.sync])
}

#define AT(place) (!STRAY && me.at == place)
#ifdef NO_TAKEOVER
#define CLAIMABLE(s) (status[s] == QUEUED && rest[s] == 0)
#else
#define CLAIMABLE(s) ((status[s] == QUEUED && rest[s] == 0) || (status[s] == LEASED && lease[s] == 0))
#endif
#ifdef MORTAL             /* a worker that died does not come back */
#define AFTER_DEATH DEAD
#else
#define AFTER_DEATH IDLE
#endif
#define OVERDUE(s) (DEADLINE && PROCESSING(s) && due[s] == 0)
#define HELD ((held[0] == me.want[0] -> 1 : 0) | (held[1] == me.want[1] -> 2 : 0))
#ifdef NO_SECOND_LOOK
#define WAITED true
#else
#define WAITED (me.lands == 0)
#endif
#ifdef NO_SECOND_READ
#define READABLE true
#else
#define READABLE (me.lands == 0 || (me.batch & HELD) == me.batch)
#endif

inline found() {
    me.known.ref = me.known.ref | BIT(me.one); me.known.intent = LESS(me.known.intent, BIT(me.one));
    me.make = LESS(me.make, BIT(me.one))
}

inline create_again() {   /* or give up, the second time */
    if
    :: me.again -> me.failed = me.failed | BIT(me.one); me.make = LESS(me.make, BIT(me.one)); me.at = INTENDED
    :: !me.again && PERMITTED -> me.again = true; send(CREATING)
    :: else -> me.at = LOST
    fi
}

proctype Work(byte n) {
    byte id = n + 1;
end:
    do
    /* claim: what is queued, or what a worker left */
    :: d_step { !STRAY && me.at == IDLE && me.call == NONE && (CLAIMABLE(0) || CLAIMABLE(1)) ->
        if :: CLAIMABLE(0) -> me.sync = 0 :: else -> me.sync = 1 fi;
        status[me.sync] = LEASED; owner[me.sync] = id; lease[me.sync] = FULL; me.left = FULL;
        EVENT(CLAIM, 0, 0); load(); me.at = OPENED }
    :: d_step { AT(LOST) -> put_back(); forget(IDLE) }

    /* read and plan */
    :: d_step { AT(OPENED) -> read_source(); list_assignments(); me.at = LISTED }
    :: d_step { AT(LISTED) -> read_scores(); me.at = PLANNED }
    :: d_step { AT(PLANNED) ->
#ifndef NO_INTENT
        me.known.intent = me.known.intent | me.make;
#endif
        if
        :: me.make && !OURS -> me.at = LOST
        :: me.make && OURS -> save(); me.at = INTENDED
        :: else -> me.at = INTENDED
        fi }

    /* create assignments, one by one */
    :: d_step { AT(INTENDED) ->
        if
        :: me.make && !PERMITTED -> me.at = LOST
        :: me.make && PERMITTED -> me.one = (HAS(me.make, 0) -> 0 : 1); me.again = false; send(CREATING)
        :: else -> me.known.ref = me.known.ref | me.adopt; me.known.intent = LESS(me.known.intent, me.adopt);
            me.adopt = 0; plan(); me.at = BATCHES
        fi }
#ifdef TRACE              /* a checkpoint, when a second has passed: it changes no answer, and costs many states */
    :: d_step { AT(INTENDED) && OURS -> save(); me.at = INTENDED }
#endif
    :: d_step { AT(CREATING) && me.call == DONE -> hear(INTENDED); found() }
    :: d_step { AT(CREATING) && me.call == DONE && losses -> losses--; disturb(); hear(FINDING) }
    :: d_step { AT(CREATING) && me.call == DROPPED -> hear(FINDING) }
    :: d_step { AT(CREATING) && me.call == SENT && losses && !late.on ->
        losses--; disturb(); give_up(); hear(FINDING) }
    :: d_step { AT(FINDING) ->
        if
#ifndef NO_FIND
        :: created[me.one] -> me.at = INTENDED; found()
        :: else -> me.at = FINDING_AGAIN
#else
        :: true -> create_again()
#endif
        fi }
    :: d_step { AT(FINDING_AGAIN) && WAITED ->
        if
        :: created[me.one] -> me.at = INTENDED; found()
        :: else -> create_again()
        fi }

    /* write scores, batch by batch */
    :: d_step { AT(BATCHES) -> me.todo = me.todo & me.known.ref; me.again = false;
        me.batch = ((BATCH == 2 || !HAS(me.todo, 0)) -> me.todo : 1);
        if
        :: me.batch -> me.at = PENDING
        :: else -> me.at = SETTLING
        fi }
    :: d_step { AT(PENDING) ->
        if
        :: OURS ->
#ifndef NO_PENDING
            mark();
#endif
            save(); me.at = SENDING
        :: else -> me.at = LOST
        fi }
    :: d_step { AT(SENDING) -> if :: PERMITTED -> send(WRITING) :: else -> me.at = LOST fi }
    :: d_step { AT(WRITING) && me.call == DONE -> deliver(me.batch); hear(BATCHES) }
    :: d_step { AT(WRITING) && me.call == DONE && losses -> losses--; disturb(); hear(READING_BACK) }
    :: d_step { AT(WRITING) && me.call == DROPPED -> hear(READING_BACK) }
#ifdef LATE_SCORES
    :: d_step { AT(WRITING) && me.call == SENT && losses && !late.on ->
        losses--; disturb(); give_up(); hear(READING_BACK) }
#endif
    :: d_step { AT(READING_BACK) && READABLE ->
#ifndef NO_READ_BACK
        deliver(me.batch & HELD);
#endif
        if
        :: me.batch == 0 -> me.at = BATCHES
        :: me.batch && !me.again -> me.again = true; me.at = SENDING
        :: me.batch && me.again -> me.failed = me.failed | me.batch; me.known.owed = me.known.owed | me.batch;
            me.todo = LESS(me.todo, me.batch); me.at = BATCHES
        fi }

    /* settle */
    :: d_step { AT(SETTLING) ->
        if
        :: OURS -> note_cursors();
            save();
#ifndef NO_ONE_TRANSACTION
            recorded[me.sync] = true;
#endif
            status[me.sync] = (me.failed -> FAILED : COMPLETE); owner[me.sync] = 0; lease[me.sync] = 0;
            due[me.sync] = 0; EVENT(SETTLE, 0, (me.failed -> 1 : 0)); check_settled(); forget(IDLE)
        :: else -> me.at = LOST
        fi }

    /* stop: give the sync back between two steps, be cancelled, or die */
    :: d_step { !STRAY && stops && (me.at == INTENDED || me.at == BATCHES) ->
        stops--; disturb(); if :: OURS -> save(); me.at = LOST :: else -> me.at = LOST fi }
    :: d_step { !STRAY && stops && me.at != IDLE && me.at != DEAD && me.at != LOST && (me.call != SENT || !late.on) ->
        stops--; disturb();
        if :: me.call == SENT -> give_up() :: else fi; put_back(); forget(IDLE) }
    :: d_step { !STRAY && stops && me.at != IDLE && me.at != DEAD && (me.call != SENT || !late.on) ->
        stops--; disturb();
        if :: me.call == SENT -> leave_late() :: else fi; forget(AFTER_DEATH) }
    od
}

inline take_create(which) {
    CHECK(created[which] == 0);  /* no assignment twice */
    created[which]++; EVENT(CREATE, which, 0)
}

inline take_scores(rows, first, second) {
    if :: HAS(rows, 0) -> CHECK(held[0] < first); held[0] = first; EVENT(WRITE, 0, first) :: else fi;
    if :: HAS(rows, 1) -> CHECK(held[1] < second); held[1] = second; EVENT(WRITE, 1, second) :: else fi
}

#define UNDER_WAY(n) (w[n].call == SENT)
#define DUE(n) (UNDER_WAY(n) && w[n].age == 0)

#ifdef NO_SWEEP
#define SWEPT false
#else
#define SWEPT (OVERDUE(0) || OVERDUE(1)) /* a sweep comes within a call timeout */
#endif

#define FREE_NOW (!(PROCESSING(0) || PROCESSING(1)))
#ifdef NO_SINGLE
#define FREE true
#else
#define FREE FREE_NOW
#endif
#define RUNNING (lease[0] || lease[1] || w[0].left || w[1].left || w[0].lands || w[1].lands || rest[0] || rest[1] || due[0] || due[1] || late.on)

inline take() {
    if
    :: w[n].at == CREATING -> take_create(w[n].one)
    :: else -> take_scores(w[n].batch, w[n].want[0], w[n].want[1])
    fi;
    w[n].call = DONE; w[n].age = 0
}

inline end_late() {
    late.on = false; late.create = false; late.one = 0; late.mask = 0; late.age = 0; late.value[0] = 0; late.value[1] = 0
}

/* A live worker renews its lease beside all else, and may fail to. */
#define RENEWS(n, id) (w[n].at != IDLE && w[n].at != DEAD && w[n].at != LOST && w[n].left < FULL && OWNS(w[n], id))

/* The teacher, the SIS, the clock, the renewals, and the sweep */
active proctype World() {
    byte n;
end:
    do
    :: d_step { !STRAY && requested < REQUESTS && FREE ->
        status[requested] = QUEUED; due[requested] = DEADLINE; calm[requested] = !late.on; requested++; EVENT(REQUEST, 0, 0) }
    :: d_step { !STRAY && grade[0] < GRADES -> grade[0]++; EVENT(GRADE, 0, grade[0]) }
#ifdef TRACE
    :: d_step { !STRAY && grade[1] < GRADES -> grade[1]++; EVENT(GRADE, 1, grade[1]) }
#endif
    :: d_step { !STRAY && UNDER_WAY(0) -> n = 0; take(); }
    :: d_step { !STRAY && UNDER_WAY(1) -> n = 1; take(); n = 0 }
    :: d_step { !STRAY && UNDER_WAY(0) && losses -> losses--; disturb(); w[0].call = DROPPED }
    :: d_step { !STRAY && UNDER_WAY(1) && losses -> losses--; disturb(); w[1].call = DROPPED }
    :: d_step { !STRAY && RENEWS(0, 1) -> lease[w[0].sync] = FULL; w[0].left = FULL }
    :: d_step { !STRAY && RENEWS(1, 2) -> lease[w[1].sync] = FULL; w[1].left = FULL }
    :: d_step { !STRAY && late.on -> if
        :: late.create -> take_create(late.one)
        :: else -> take_scores(late.mask, late.value[0], late.value[1])
        fi; end_late() }
    :: d_step { !STRAY && late.on -> end_late() }
    :: d_step { !STRAY && !DUE(0) && !DUE(1) && !(late.on && late.age == 0) && !SWEPT && RUNNING ->
        s = 0; do :: s < REQUESTS -> COUNT(lease[s]); COUNT(rest[s]); COUNT(due[s]); s++ :: else -> s = 0; break od;
        COUNT(w[0].lands); COUNT(w[1].lands); COUNT(w[0].left); COUNT(w[1].left); COUNT(w[0].age); COUNT(w[1].age); COUNT(late.age) }
#ifndef NO_SWEEP
    :: d_step { !STRAY && (OVERDUE(0) || OVERDUE(1)) -> disturb();
        s = 0;
        do
        :: s < REQUESTS ->
            if
            :: OVERDUE(s) -> status[s] = FAILED; owner[s] = 0; lease[s] = 0; rest[s] = 0; recorded[s] = true; EVENT(SETTLE, 0, 1)
            :: else
            fi;
            s++
        :: else -> s = 0; break
        od; n = 0 }
#endif
    :: timeout -> CHECK(STRAY || FREE_NOW); break  /* no sync for ever */
    od
}

init { atomic { run Work(0); run Work(1) } }

#ifdef LIVE               /* fair processes: each that can do something does, some day */
ltl every_sync_ends { [] ((status[0] == QUEUED || status[0] == LEASED) -> <> (status[0] == COMPLETE || status[0] == FAILED)) }
#endif
