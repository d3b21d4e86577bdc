/* The one way out on error: a message on stderr and exit status 1, from any thread. */
#ifndef FLOOR_FAIL_H
#define FLOOR_FAIL_H

/* Ends the process: "floor: MESSAGE". */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends the process: "floor: CALL: text of errno (errno N)". */
_Noreturn void fail_call(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
