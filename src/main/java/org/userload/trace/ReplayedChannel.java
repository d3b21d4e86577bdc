package org.userload.trace;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.userload.channel.ChannelClosedException;
import org.userload.channel.ChannelLimits;
import org.userload.channel.GuestChannel;
import org.userload.channel.HostChannel;
import org.userload.channel.RingPipe;
import org.userload.hint.Balloon;
import org.userload.hint.FreePageReporter;
import org.userload.hint.GuestBalloon;
import org.userload.hint.GuestMemoryAgent;
import org.userload.hint.GuestMemoryListener;
import org.userload.hint.GuestMemoryPort;
import org.userload.hint.HintResult;
import org.userload.hint.HintWriter;
import org.userload.hint.RangeBatch;

/**
 * The guest channel of a replayed guest, both ends of it in this process: the guest names its free pages when it is asked, and
 * gives its ballooned pages to the host, which drops them.
 *
 * <p><b>Threads.</b> Any. Those of the channel's ends and of the guest's agent are its own. <b>Ownership.</b> Not the balloon's
 * memory, which must outlive this.
 */
public final class ReplayedChannel implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 30;

    private final ColdPages cold;
    private final GuestMemoryPort host;
    private final HostChannel hostChannel;
    private final GuestChannel guestChannel;
    private final GuestMemoryAgent agent;
    private final Inflations inflations;

    private ReplayedChannel(ColdPages cold, Balloon balloon) {
        this.cold = cold;
        RingPipe.Pair pipe = RingPipe.pair(RingPipe.DEFAULT_BYTES);
        this.inflations = new Inflations(balloon, cold.count(ColdPages.Kind.BALLOONED));
        this.host = new GuestMemoryPort(inflations);
        this.hostChannel = HostChannel.open(pipe.host(), ChannelLimits.DEFAULT, List.of(host));
        this.guestChannel = GuestChannel.open(pipe.guest(), ChannelLimits.DEFAULT);
        this.agent = GuestMemoryAgent.open(guestChannel, this::report, GuestBalloon.NONE);
    }

    /** Begins to serve a guest whose cold pages these are. */
    public static ReplayedChannel open(ColdPages cold, Balloon balloon) {
        return new ReplayedChannel(cold, balloon);
    }

    /** The host's balloon, and how far the guest has inflated it. On the thread of the host's end. */
    private static final class Inflations implements GuestMemoryListener {
        private final Balloon balloon;
        private final long expected;
        private final CompletableFuture<Void> done = new CompletableFuture<>();
        private long pages;

        Inflations(Balloon balloon, long expected) {
            this.balloon = balloon;
            this.expected = expected;
        }

        @Override
        public HintResult inflate(RangeBatch ranges) {
            HintResult result = balloon.inflate(ranges);
            if (result instanceof HintResult.Accepted accepted) {
                pages += accepted.pages();
                if (pages >= expected) {
                    done.complete(null);
                }
            } else if (result instanceof HintResult.Refused refused) {
                done.completeExceptionally(
                        new IllegalStateException("the host refuses to inflate the balloon: " + refused.message()));
            }
            return result;
        }

        @Override
        public HintResult deflate(RangeBatch ranges) {
            return balloon.deflate(ranges);
        }

        @Override
        public void available(long availablePages) {
            // Nobody has asked.
        }

        @Override
        public void disconnected() {
            done.completeExceptionally(
                    new IllegalStateException("the guest channel ended while the balloon was being inflated"));
        }
    }

    private void report(HintWriter into) throws InterruptedException {
        for (ColdPages.Run run : cold.runs(ColdPages.Kind.FREE)) {
            if (!into.range(run.first(), run.count())) {
                return;
            }
        }
    }

    /**
     * The guest gives its ballooned pages to the host. They are dropped when this returns.
     *
     * @throws IllegalStateException when that is refused, or does not come to an end
     */
    public void inflateBalloon() throws InterruptedException {
        RangeBatch ballooned = new RangeBatch();
        cold.runs(ColdPages.Kind.BALLOONED).forEach(run -> ballooned.add(run.first(), run.count()));
        if (ballooned.size() == 0) {
            return;
        }
        try {
            agent.inflate(ballooned);
            inflations.done.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (ChannelClosedException | TimeoutException e) {
            throw new IllegalStateException("the balloon cannot be inflated: " + e, e);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new IllegalStateException(cause.getMessage(), cause);
        }
    }

    /** Asks the guest for its free pages. */
    public FreePageReporter freePageReporter() {
        return host;
    }

    /** Bytes of the guest's messages about free pages that counted, without headers. */
    public long hintBytes() {
        return host.hintBytes();
    }

    /** Ends the channel and its threads. */
    @Override
    public void close() {
        agent.close();
        guestChannel.close();
        hostChannel.close();
    }
}
