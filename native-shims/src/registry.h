/*
 * The sessions of this process, so that the signal handler finds the region of an address without a lock.
 *
 * An entry is used by counting oneself in and then reading its session; whoever takes the session away removes it and then
 * waits until nobody is counted. A session that is over leaves its addresses here until the entry is needed again: a thread
 * that has faulted just before the end, and comes into the handler only after it, must find that its memory is ordinary memory
 * by now.
 */
#ifndef USERLOAD_REGISTRY_H
#define USERLOAD_REGISTRY_H

#include "session.h"

enum { USERLOAD_MAX_SESSIONS = 64 };

/* A handle, not negative, or -EMFILE. Not for a signal handler. */
int userload_registry_add(struct userload_session *session);

/* The session and the region of an address, held until userload_registry_drop; NULL when it is nobody's. */
struct userload_session *userload_registry_find(uint64_t address, struct userload_range **range, int *handle);

/* The session of a handle, held; NULL when it is over and another has its place. */
struct userload_session *userload_registry_hold(int handle);

void userload_registry_drop(int handle);

/* Waits until nobody holds the session. It stays registered; its state must keep who comes later from using it. */
void userload_registry_await_idle(int handle);

#endif
