package org.userload.source;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelHandlerContext;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.userload.memory.AtomicBitmap;
import org.userload.protocol.FrameType;
import org.userload.protocol.Frames;
import org.userload.protocol.PageRuns;

/**
 * What a migration tells the stream of a session with rounds: send what has not been sent, call back what is old, send
 * the rest. One thing at a time: each waits for the future of the one before.
 *
 * <p><b>Threads.</b> Any one thread; the work is done on the stream loop.
 */
public final class SessionStream {
    private final SourceSession session;
    private final StreamRole role;
    private final ChannelHandlerContext context;

    SessionStream(SourceSession session, StreamRole role, ChannelHandlerContext context) {
        this.session = session;
        this.role = role;
        this.context = context;
    }

    /**
     * A round: sends every page that is not marked as sent. A page is marked before its content is read, so what is
     * written to it later belongs to a later round.
     *
     * @return completes with the pages sent, once all of them are in place at the destination
     */
    public CompletableFuture<Long> sendRound() {
        CompletableFuture<Long> inPlace = new CompletableFuture<>();
        onLoop(inPlace, () -> role.send(StreamPass.round(session, inPlace)));
        return inPlace;
    }

    /**
     * Makes every page that is not marked as sent missing at the destination again. Only before the handover, with the
     * guest paused.
     *
     * @return completes with the pages called back, once they are missing there
     */
    public CompletableFuture<Long> discardUnsent() {
        CompletableFuture<Long> inPlace = new CompletableFuture<>();
        onLoop(inPlace, () -> {
            role.endDeltas();
            long discarded = writeDiscards();
            CompletableFuture<Long> marked = new CompletableFuture<>();
            marked.whenComplete((none, problem) -> {
                if (problem == null) {
                    inPlace.complete(discarded);
                } else {
                    inPlace.completeExceptionally(problem);
                }
            });
            role.send(StreamPass.mark(marked));
        });
        return inPlace;
    }

    /** Sends every page that is not marked as sent, and the end of the stream. The guest runs at the destination. */
    public void sendRest() {
        onLoop(null, role::sendRest);
    }

    /** The guest runs at the destination. */
    void guestStarted() {
        SourceRelease release = session.sourceRelease();
        if (release != null) {
            onLoop(null, () -> release.start(context.executor()));
        }
    }

    private void onLoop(@Nullable CompletableFuture<Long> result, Runnable work) {
        try {
            context.executor().execute(() -> {
                if (!context.channel().isActive()) {
                    fail(result, new IOException("the destination closed its stream connection"));
                    return;
                }
                try {
                    work.run();
                } catch (RuntimeException e) {
                    fail(result, e);
                    role.broken(e);
                }
            });
        } catch (RejectedExecutionException e) {
            fail(result, new IOException("the source was closed", e));
        }
    }

    private static void fail(@Nullable CompletableFuture<Long> result, Throwable why) {
        if (result != null) {
            result.completeExceptionally(why);
        }
    }

    /** Runs of the pages that are not marked as sent, as many to a frame as fit. */
    private long writeDiscards() {
        long discarded = 0;
        for (int region = 0; region < session.regionCount(); region++) {
            AtomicBitmap sent = session.sent(region);
            long page = sent.nextClear(0, sent.size());
            while (page < sent.size()) {
                DiscardFrame frame = new DiscardFrame(context.alloc(), region);
                while (page < sent.size() && frame.hasRoom()) {
                    long end = sent.nextSet(page, Math.min(sent.size(), page + Integer.MAX_VALUE));
                    frame.add(page, (int) (end - page));
                    discarded += end - page;
                    page = sent.nextClear(end, sent.size());
                }
                context.write(frame.finish(), context.voidPromise());
            }
        }
        return discarded;
    }

    /** A DISCARD frame in the making. */
    private static final class DiscardFrame {
        private final ByteBufAllocator allocator;
        private final ByteBuf body;
        private final int region;
        private int runs;

        DiscardFrame(ByteBufAllocator allocator, int region) {
            this.allocator = allocator;
            this.body = allocator.directBuffer();
            this.region = region;
        }

        boolean hasRoom() {
            return runs < PageRuns.MAX_RUNS;
        }

        void add(long firstPage, int count) {
            PageRuns.write(body, firstPage, count);
            runs++;
        }

        ByteBuf finish() {
            ByteBuf frame = allocator.directBuffer();
            Frames.writeHeader(frame, FrameType.DISCARD, region, body.readableBytes(), 0, runs, 0);
            frame.writeBytes(body);
            body.release();
            return frame;
        }
    }
}
