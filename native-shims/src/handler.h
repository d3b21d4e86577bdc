/*
 * The handler of SIGBUS: a touch of a missing page of a session is served on the touching thread; everything else is for the
 * handler that was there before.
 */
#ifndef USERLOAD_HANDLER_H
#define USERLOAD_HANDLER_H

/* Installs the handler, once in a process. 0 or a negative errno. */
int userload_handler_install(void);

/*
 * Between these a touch of a missing page by the calling thread is a mistake of this library's user: it is reported, and goes
 * to the handler that was there before, since waiting for it could take for ever.
 */
void userload_enter(void);
void userload_leave(void);

#endif
