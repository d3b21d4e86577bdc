package org.userload.source;

import org.jspecify.annotations.Nullable;

/** How a role tells that its connection is gone. */
interface SessionEnd {
    /** @param cause null when it was closed in order */
    void connectionLost(SourceSession session, String role, @Nullable Throwable cause);
}
