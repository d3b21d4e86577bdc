package org.userload.trace;

import java.util.List;
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

    private ReplayedChannel(ColdPages cold, Balloon balloon) {
        this.cold = cold;
        RingPipe.Pair pipe = RingPipe.pair(RingPipe.DEFAULT_BYTES);
        this.host = new GuestMemoryPort(new Host(balloon));
        this.hostChannel = HostChannel.open(pipe.host(), ChannelLimits.DEFAULT, List.of(host));
        this.guestChannel = GuestChannel.open(pipe.guest(), ChannelLimits.DEFAULT);
        this.agent = GuestMemoryAgent.open(guestChannel, this::report, GuestBalloon.NONE);
    }

    /** Begins to serve a guest whose cold pages these are. */
    public static ReplayedChannel open(ColdPages cold, Balloon balloon) {
        return new ReplayedChannel(cold, balloon);
    }

    /** The host's balloon. On the thread of the host's end. */
    private record Host(Balloon balloon) implements GuestMemoryListener {
        @Override
        public HintResult inflate(RangeBatch pages) {
            return balloon.inflate(pages);
        }

        @Override
        public HintResult deflate(RangeBatch pages) {
            return balloon.deflate(pages);
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
        RangeBatch message = new RangeBatch();
        for (ColdPages.Run run : cold.runs(ColdPages.Kind.BALLOONED)) {
            message.add(run.first(), run.count());
            if (message.size() == GuestMemoryAgent.MAX_RANGES) {
                inflate(message);
                message.clear();
            }
        }
        if (message.size() > 0) {
            inflate(message);
        }
    }

    private void inflate(RangeBatch message) throws InterruptedException {
        try {
            GuestMemoryAgent.BalloonAnswer answer = agent.inflate(message).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            if (!answer.done()) {
                throw new IllegalStateException("the host refuses pages of the balloon: " + answer.refusal());
            }
        } catch (ChannelClosedException | ExecutionException | TimeoutException e) {
            throw new IllegalStateException("the guest's balloon cannot be inflated: " + e, e);
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
