package org.userload.source;

import org.jspecify.annotations.Nullable;

/** Hears what destinations do. Called on the server's control loop; must not block. */
public interface ServerListener {
    /** A destination has opened a session and has all its connections. */
    default void attached(SourceSession session) {}

    /** The guest is restored at the destination and can run there. */
    default void ready(SourceSession session) {}

    /** The guest runs at the destination. */
    default void started(SourceSession session, long downtimeMicros) {}

    /** Every page is in place at the destination. */
    default void completed(SourceSession session) {}

    /** The session is over; {@code problem} is null after {@link #completed}. Called once. */
    default void ended(SourceSession session, @Nullable Throwable problem) {}
}
