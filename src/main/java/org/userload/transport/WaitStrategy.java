package org.userload.transport;

import io.netty.channel.DefaultSelectStrategyFactory;
import io.netty.channel.SelectStrategy;
import io.netty.channel.SelectStrategyFactory;
import io.netty.util.IntSupplier;

/**
 * Looks for events again and again instead of sleeping: a wake-up takes several times what the rest of a fault does. One
 * loop's, on its thread.
 *
 * <p>Between two looks it lets other threads have the CPU: whoever it has just woken may be waiting for it.
 */
final class WaitStrategy implements SelectStrategy {
    /** The way of a page there and back within a host or a rack. */
    static final long LOOK_NANOS = 100_000;

    private final boolean sleeps;
    private long lookUntilNanos = System.nanoTime();

    private WaitStrategy(boolean sleeps) {
        this.sleeps = sleeps;
    }

    static SelectStrategyFactory factoryOf(WaitPolicy policy) {
        return switch (policy) {
            case BLOCK -> DefaultSelectStrategyFactory.INSTANCE;
            case SPIN -> () -> new WaitStrategy(false);
            case ADAPTIVE -> () -> new WaitStrategy(true);
        };
    }

    @Override
    @SuppressWarnings("ThreadPriorityCheck") // only the latency of others depends on it
    public int calculateStrategy(IntSupplier look, boolean hasTasks) throws Exception {
        int events = look.get();
        if (events > 0 || hasTasks) {
            lookUntilNanos = System.nanoTime() + LOOK_NANOS;
            return events;
        }
        if (sleeps && System.nanoTime() - lookUntilNanos >= 0) {
            return SELECT;
        }
        Thread.yield();
        return 0;
    }
}
