/* SIGTERM, SIGINT and SIGHUP as calls of functions. */
#pragma once

typedef struct Signals Signals;

/* Keeps these signals from every thread started later, and from all SIGPIPE and SIGXFSZ, which are errors of write(2)
 * then. Before any thread starts. */
void signals_block (void);

/* Starts the thread that takes them: the first calls @stop(@data), any further one @abandon(@data). */
Signals *signals_start (void (*stop) (void *data), void (*abandon) (void *data), void *data);

/* Ends the thread; neither function is called after this. NULL is fine. */
void signals_end (Signals *signals);
