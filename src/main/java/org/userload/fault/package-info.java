/**
 * Fault interception: how a touch of a missing page becomes a page request, and how an installed page wakes whoever
 * waits for it.
 *
 * <p>A {@link org.userload.fault.FaultInterceptor} has two sides. The <em>touching side</em> is called by the thread
 * that misses a page and returns when the page is in place. The <em>serving side</em> reports faults to a {@link
 * org.userload.fault.FaultListener} on one event loop, the fault loop, and installs pages from any loop. Nothing on the
 * serving side ever waits for a thread that can fault.
 *
 * <p>All interceptors share one meaning of missing (the bit in the received bitmap is clear), one install rule (only
 * what is still missing is written, then the bit is set, then waiters run) and one set of statistics.
 */
@NullMarked
package org.userload.fault;

import org.jspecify.annotations.NullMarked;
