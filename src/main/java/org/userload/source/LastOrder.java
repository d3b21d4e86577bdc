package org.userload.source;

import org.jspecify.annotations.Nullable;
import org.userload.protocol.StartFlags;

/**
 * The order of the last pass, in which the guest runs at the destination: what is preferred, then the rest, unless that is held
 * back. Stream loop only.
 */
final class LastOrder implements StreamOrder {
    private final StreamOrder preferred;
    private final StreamOrder inOrder;
    private final StreamOrder aroundFaults;
    private StartFlags flags = StartFlags.PLAIN;

    LastOrder(SourceSession session, PreferredOrder preferred) {
        this.preferred = preferred;
        this.inOrder = new SequentialOrder(session);
        this.aroundFaults = new BubblingOrder(session::sent, session.regionCount(), session.faults());
    }

    void flags(StartFlags wanted) {
        flags = wanted;
    }

    /** Whether pages are left that come only when they are preferred or asked for. */
    boolean holdsBack() {
        return flags.onlyPreferred();
    }

    @Override
    public @Nullable Run next(int maxPages) {
        Run run = preferred.next(maxPages);
        if (run != null || flags.onlyPreferred()) {
            return run;
        }
        return (flags.followFaults() ? aroundFaults : inOrder).next(maxPages);
    }
}
