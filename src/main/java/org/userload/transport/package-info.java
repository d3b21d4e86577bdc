/**
 * Sockets and event loops: addresses, bootstrap, connections. Only this package and the handlers that run on its loops
 * see Netty channels.
 */
@NullMarked
package org.userload.transport;

import org.jspecify.annotations.NullMarked;
