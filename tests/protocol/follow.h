/* Without a trace, events are nothing. With one (-DTRACE), each must be the next of the trace. */
#ifndef TRACE
#define EVENT(kind, which, value) skip
#define STRAY (false)
#define CHECK(claim) assert(claim)
#else
#define STRAY (stray)
#define CHECK(claim) stray = stray || !(claim)
short position;
byte event;
bool stray, followed;
#define EVENT(kind, which, value) event = kind * 16 + which * 8 + value; follow()
c_decl {
\#include <stdio.h>
\#include <stdlib.h>
static int trace_length = -1;
static unsigned char trace_events[32768];
static void load_trace(void) {
    FILE *file = fopen(getenv("TRACE"), "r");
    int event;
    for (trace_length = 0; fscanf(file, "%d", &event) == 1; ) trace_events[trace_length++] = event;
    fclose(file);
}
}
inline follow() {
    c_code {
        if (trace_length < 0) load_trace();
        if (now.position < trace_length && trace_events[now.position] == now.event) now.position++;
        else now.stray = 1;
        now.event = 0;
        now.followed = !now.stray && now.position == trace_length;
    };
    assert(!followed)
}
#endif
#define REQUEST 1
#define CLAIM 2
#define RELEASE 3
#define SETTLE 4
#define INTENT 5
#define REF 6
#define MARK 7
#define KEEP 8
#define CREATE 9
#define WRITE 10
#define GRADE 11
