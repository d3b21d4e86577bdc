package org.userload.migration;

import java.util.Locale;

/** How a guest moves. */
public enum MigrationMode {
    /** The guest moves at once; its memory follows, page by page on fault and in bulk behind. */
    POSTCOPY,
    /** Memory goes first, in rounds, while the guest runs; it moves when the rest fits the downtime limit. */
    PRECOPY,
    /** Some rounds, then post-copy for what the guest has written to since. */
    HYBRID,
    /** The guest stops, all of its memory is copied, it goes on: the base line. */
    STOPCOPY;

    /** Whether memory is sent before the guest runs at the destination. */
    boolean hasRounds() {
        return this != POSTCOPY;
    }

    /** Whether the guest runs while memory is sent, so that its writes have to be tracked. */
    boolean tracksWrites() {
        return this == PRECOPY || this == HYBRID;
    }

    /** The name on the command line and in results. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
