package org.userload.destination;

import io.netty.channel.IoEventLoop;
import java.io.IOException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.userload.destination.prefetch.ComingPages;
import org.userload.destination.prefetch.WorkingSet;
import org.userload.destination.prefetch.WorkingSetRecorder;
import org.userload.fault.FaultInterceptor;
import org.userload.fault.PageOrigin;
import org.userload.fault.Released;
import org.userload.linux.HugePages;
import org.userload.memory.GuestMemory;
import org.userload.memory.MissingPageHandler;
import org.userload.memory.PageRange;
import org.userload.memory.RegionTable;
import org.userload.protocol.Feature;
import org.userload.protocol.FrameType;
import org.userload.protocol.Hello;
import org.userload.protocol.SessionId;
import org.userload.transport.EventLoops;
import org.userload.transport.OutboundLink;
import org.userload.transport.Sockets;

/**
 * A session that makes the memory of a source appear here. The memory can be used as soon as {@link #open} returns; a
 * page that is not there yet comes when it is touched, and all others in the background.
 *
 * <p><b>The end.</b> {@link #completion} completes when every page is in place: then the memory is ordinary memory, the
 * interception is over and the connections and threads are gone. If the source is lost before, it completes with {@link
 * SourceLostException}; present pages stay usable, and every access to a missing one throws {@link
 * org.userload.memory.PageUnavailableException}.
 *
 * <p><b>Threads.</b> Any, except that {@link #open} and {@link #close} must not be called on the session's loops.
 *
 * <p><b>Ownership.</b> The destination owns the memory: {@link #close} frees it and wakes every waiter with an error.
 */
public final class Destination implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Destination.class);

    /** How long a source may take to answer a hello. */
    private static final Duration LONGEST_ANSWER = Duration.ofSeconds(5);

    /** The source closes the connections when it hears that all is in; this is how long that is waited for. */
    private static final int SOURCE_CLOSES_MILLIS = 2_000;

    /** How long a broken connection waits for the reason to arrive on another one. */
    private static final int REASON_MAY_TAKE_MILLIS = 200;

    /** Known pages put in place at once at the end: some milliseconds. */
    private static final int PAGES_TO_FILL_AT_ONCE = 2048;

    private final DestinationConfig config;
    private final EventLoops loops = new EventLoops();
    private final WireBytes wire = new WireBytes();
    private final CompletableFuture<DestinationStatistics> completion = new CompletableFuture<>();
    private final AtomicBoolean over = new AtomicBoolean();
    private final AtomicBoolean closed = new AtomicBoolean();
    private final long openedNanos = System.nanoTime();
    private final ControlListener listener;
    private final @Nullable OutboundLink link;
    private final FaultInterceptor interceptor;
    private final GuestMemory memory;
    private final PageInstaller installer;
    private final ReleasedBlocks releasedBlocks;
    private final HugePageCollapse collapse;
    private final ControlConnection control;
    private final @Nullable WorkingSetRecorder recorder;
    private final @Nullable ComingPages coming;
    private final Foresight foresight;
    private final DemandPager pager;
    private final StreamIntake stream;
    private final StreamGrant grant;
    private final IoEventLoop faultLoop;
    private final IoEventLoop streamLoop;
    private volatile long completedAtNanos;

    private Destination(DestinationConfig config, ControlListener listener) throws IOException {
        this.config = config;
        this.listener = listener;
        this.link = config.link() == null ? null : new OutboundLink(config.link());
        this.interceptor = config.interceptor().open(config);
        GuestMemory opening = null;
        try {
            this.faultLoop = loops.start("userload-sync", config.placement(), 0, true);
            this.streamLoop = loops.start("userload-stream", config.placement(), 1, false);
            this.control = new ControlConnection(wire, listener, cause -> connectionLost("control", cause));
            Sockets.connect(config.source(), faultLoop, control, link);
            Hello hello = control.awaitAnswer(peer(), answerTimeout());
            RegionTable table = Objects.requireNonNull(hello.regions());
            SessionId session = hello.session();
            opening = GuestMemory.missing(table, new Paging());
            this.memory = opening;
            this.releasedBlocks = new ReleasedBlocks(memory);
            this.collapse = new HugePageCollapse(memory, releasedBlocks, config.trackRemovals());
            boolean rounds = Feature.ROUNDS.in(hello.features());
            if (rounds && config.streamAtOnce()) {
                throw new SourceLostException(peer() + " hands over a guest, which nobody here takes", null);
            }
            this.installer = new PageInstaller(memory, interceptor, rounds, this::lastPageIn);
            boolean takesBlocks = config.hugePages() && interceptor.takesMemory() && HugePages.areAvailable();
            this.coming = wantsPages() ? new ComingPages(memory, workingSetRuns()) : null;
            this.stream = new StreamIntake(
                    session,
                    table,
                    installer,
                    coming,
                    over::get,
                    config.windowPages(),
                    takesBlocks,
                    wire,
                    cause -> connectionLost("stream", cause));
            this.recorder = config.recordsWorkingSet() ? new WorkingSetRecorder(table) : null;
            Preferences preferences = coming == null
                    ? null
                    : new Preferences(memory, config.prefetch().open(), coming, stream, streamLoop);
            this.foresight = new Foresight(memory, recorder, preferences);
            this.pager = new DemandPager(
                    session,
                    table,
                    installer,
                    foresight,
                    new InstalledReports(streamLoop, stream, over::get),
                    config.trackRemovals(),
                    wire,
                    cause -> connectionLost("sync", cause));
            this.grant = new StreamGrant(config, installer, stream, streamLoop, over::get);
            connectPager(faultLoop);
            connectStream();
            tellFirst(preferences);
            pager.start(faultLoop, stream.takesPreferences());
            interceptor.pagesComeFrom(new PageOrigin(
                    config.source(), session, hello.features(), config.deadline(), config.faultConnections()));
            interceptor.start(memory, faultLoop, pager);
        } catch (IOException | RuntimeException | Error e) {
            over.set(true);
            loops.close();
            interceptor.close();
            if (opening != null) {
                opening.close();
            }
            throw e;
        }
        new Watchdog(config.deadline(), pager, stream, installer, this::fail).start(faultLoop);
        grant.opened();
    }

    /**
     * Connects to a source and opens its memory, all of it missing.
     *
     * @throws IOException when the source cannot be reached; the message names it
     * @throws SourceLostException when it refuses or does not answer
     * @throws IllegalStateException when the interceptor that was asked for cannot be used here
     */
    public static Destination open(DestinationConfig config) throws IOException {
        return open(config, ControlListener.NONE);
    }

    /** As {@link #open(DestinationConfig)}, for a session that takes over a guest. */
    public static Destination open(DestinationConfig config, ControlListener listener) throws IOException {
        return new Destination(config, listener);
    }

    private void connectPager(IoEventLoop faultLoop) throws IOException {
        Sockets.connect(config.source(), faultLoop, pager, link);
        pager.awaitAnswer(peer(), answerTimeout());
    }

    private void connectStream() throws IOException {
        Sockets.connect(config.source(), streamLoop, stream, link);
        stream.awaitAnswer(peer(), answerTimeout());
    }

    /** Whether the source will be told what to send first. */
    private boolean wantsPages() {
        return config.prefetch().readsAhead() || config.workingSet() != null;
    }

    private int workingSetRuns() {
        WorkingSet set = config.workingSet();
        return set == null ? 1 : Math.max(1, Math.min(set.pageCount(), Preferences.MOST_WORKING_SET_RUNS));
    }

    /** Tells the source of the working set before anything else. */
    private void tellFirst(@Nullable Preferences preferences) {
        if (!stream.takesPreferences() && !config.backgroundStream()) {
            throw new SourceLostException(peer() + " cannot hold back what is not asked for", null);
        }
        WorkingSet set = config.workingSet();
        if (set == null || preferences == null) {
            return;
        }
        String misfit = set.misfit(memory.table());
        if (!stream.takesPreferences()) {
            misfit = peer() + " sends pages in an order of its own";
        }
        if (misfit.isEmpty()) {
            streamLoop.execute(() -> preferences.begin(set));
        } else {
            LOG.warn("the recorded working set is ignored: {}", misfit);
        }
    }

    private Duration answerTimeout() {
        return config.deadline().compareTo(LONGEST_ANSWER) < 0 ? config.deadline() : LONGEST_ANSWER;
    }

    private String peer() {
        return "source " + config.source();
    }

    /** The memory; usable at once. */
    public GuestMemory memory() {
        return memory;
    }

    /** Completes when every page is in place, or with {@link SourceLostException}. */
    public CompletableFuture<DestinationStatistics> completion() {
        return completion;
    }

    /** {@link System#nanoTime()} when the last page was put in place; 0 while pages are missing. */
    public long completedAtNanos() {
        return completedAtNanos;
    }

    /**
     * The guest is about to run here: pages that are in place are its own from now on. Call before it is resumed, on
     * COMMIT. Where there are no rounds, a recorded working set begins to come.
     */
    public void endRounds() {
        grant.endRounds();
    }

    /**
     * The guest runs here: asks the source to stream, unless it streams already. Only when the configuration did not start
     * the stream at once. Does nothing once the session is over, as it is when every page has come by being touched.
     */
    public void startStream() {
        grant.guestRuns();
    }

    /**
     * The rest of the memory is to come, too: ends what {@link DestinationConfig#withBackgroundStream} has begun. Does nothing
     * where it comes already.
     */
    public void streamRest() {
        grant.rest();
    }

    /**
     * The pages touched so far, in the order in which they were touched first.
     *
     * @throws IllegalStateException when they were not to be recorded
     */
    public WorkingSet recordedWorkingSet() {
        if (recorder == null) {
            throw new IllegalStateException("no working set was recorded");
        }
        return recorder.recorded();
    }

    /** Whether the source was told to send a page before others. */
    public boolean wasPreferred(int region, long page) {
        return coming != null && coming.wasPreferred(region, page);
    }

    /** Tells the source that the guest is restored here and can run. */
    public void sendReady() {
        control.send(FrameType.READY, 0);
    }

    /** Calls the handover off: the guest goes on at the source. */
    public void sendAbort(String why) {
        control.sendAbort(why);
    }

    /** Tells the source that the guest runs here. */
    public void sendStarted(long downtimeMicros) {
        control.send(FrameType.STARTED, downtimeMicros);
    }

    /** Bytes of frames so far, all connections, both ways: while this grows the source is alive. */
    public long wireBytes() {
        return wire.sum();
    }

    /** When and how pages came. */
    public ArrivalMap arrivals() {
        return installer.arrivals();
    }

    /** How much of the memory are huge pages at the moment, in bytes; -1 where the kernel does not tell (before Linux 6.7). */
    public long hugeBytes() {
        return collapse.hugeBytes();
    }

    /** A snapshot of what has happened so far. */
    public DestinationStatistics statistics() {
        return new DestinationStatistics(
                interceptor.name(),
                installer.counts(),
                installer.blocks(collapse.collapsedBlocks()),
                wire.sum(),
                interceptor.statistics().latencyNanos(),
                interceptor.statistics().blockedNanosByThread(),
                foresight.statistics(pager.requestedPages()),
                completedAtNanos == 0 ? -1 : completedAtNanos - openedNanos);
    }

    /**
     * The guest that runs here has released pages: they hold zeros from now on. Those that are missing need not come, which the
     * source is told; the memory of the others is given back. Other threads may access the pages meanwhile and see their
     * content of before or zeros.
     *
     * <p>At any time from the end of the rounds on, also when the session is complete. Runs on the stream loop.
     *
     * @return what became of the pages, once it has; with {@link IllegalStateException} when the session has failed
     * @throws IndexOutOfBoundsException for pages that the region does not have
     * @throws IllegalStateException while the guest is awaited
     */
    public CompletableFuture<Released> release(int region, PageRange pages) {
        Objects.checkIndex(region, memory.regionCount());
        Objects.checkFromIndexSize(
                pages.first(), pages.count(), memory.region(region).pageCount());
        if (installer.isInRounds()) {
            throw new IllegalStateException("the guest does not run here yet, so it cannot release pages here");
        }
        CompletableFuture<Released> done = new CompletableFuture<>();
        try {
            streamLoop.execute(() -> release(region, pages, done));
        } catch (RejectedExecutionException e) {
            release(region, pages, done);
        }
        return done;
    }

    private void release(int region, PageRange pages, CompletableFuture<Released> done) {
        try {
            if (closed.get()) {
                throw new IllegalStateException("the destination was closed");
            }
            releasedBlocks.add(region, pages.first(), pages.count());
            Released released = installer.release(region, pages.first(), pages.count());
            if (released.missing() > 0) {
                stream.sendReleased(region, pages.first(), pages.count());
            }
            done.complete(released);
            installer.forget(released.missing());
        } catch (RuntimeException e) {
            done.completeExceptionally(e);
        }
    }

    /** Runs on the loop that settled the last page. */
    private void lastPageIn() {
        if (over.compareAndSet(false, true)) {
            if (streamLoop.inEventLoop()) {
                putKnownInPlace();
                return;
            }
            try {
                streamLoop.execute(this::putKnownInPlace);
            } catch (RejectedExecutionException e) {
                // It is being closed, which completes the future.
            }
        }
    }

    /**
     * No page is missing. Some known ones may have to be put in place, a few at a time on the stream loop, which has nothing
     * else to do by now; meanwhile the fault loop serves who touches them.
     */
    private void putKnownInPlace() {
        if (closed.get()) {
            return;
        }
        try {
            if (interceptor.fillKnown(PAGES_TO_FILL_AT_ONCE)) {
                finish();
            } else {
                streamLoop.execute(this::putKnownInPlace);
            }
        } catch (RejectedExecutionException e) {
            // As above.
        } catch (RuntimeException e) {
            completion.completeExceptionally(e);
            throw e;
        }
    }

    private void finish() {
        completedAtNanos = System.nanoTime();
        interceptor.complete();
        control.send(FrameType.COMPLETE, 0);
        endInBackground(() -> {
            completion.complete(statistics());
            if (config.hugePages()) {
                collapse.start();
            }
        });
    }

    /**
     * A connection that breaks says less than an ERROR frame that is about to arrive on another one, since the source tells
     * its reason on all of them; so a bare break waits a moment for the reason.
     */
    private void connectionLost(String role, @Nullable Throwable cause) {
        if (over.get()) {
            return;
        }
        String what =
                cause == null ? "the source closed the " + role + " connection" : String.valueOf(cause.getMessage());
        SourceLostException lost = new SourceLostException(peer() + " is lost: " + what, cause);
        if (cause instanceof ClientConnection.PeerErrorException || !failSoon(lost)) {
            fail(lost);
        }
    }

    private boolean failSoon(SourceLostException lost) {
        try {
            faultLoop.schedule(() -> fail(lost), REASON_MAY_TAKE_MILLIS, TimeUnit.MILLISECONDS);
            return true;
        } catch (RejectedExecutionException e) {
            return false;
        }
    }

    private void fail(Throwable reason) {
        if (over.compareAndSet(false, true)) {
            interceptor.fail(reason);
            control.giveUp(reason);
            pager.giveUp(null);
            stream.giveUp(null);
            completion.completeExceptionally(reason);
            listener.failed(reason);
        }
    }

    /** Closing loops waits for their threads, so it needs a thread of its own. */
    private void endInBackground(Runnable afterwards) {
        Thread thread = new Thread(
                () -> {
                    control.awaitClosed(SOURCE_CLOSES_MILLIS);
                    loops.close();
                    interceptor.close();
                    afterwards.run();
                },
                "userload-completion");
        thread.setDaemon(true);
        thread.start();
    }

    /**
     * Ends the session and frees the memory. Threads that wait for pages get an error; so does every later access.
     * Idempotent.
     */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        if (over.compareAndSet(false, true)) {
            SourceLostException reason = new SourceLostException("the destination was closed", null);
            interceptor.fail(reason);
            completion.completeExceptionally(reason);
        }
        loops.close();
        collapse.close();
        if (completedAtNanos == 0) {
            completion.completeExceptionally(new SourceLostException("the destination was closed", null));
        }
        interceptor.close();
        memory.close();
    }

    /** The way from the memory into this session. */
    private final class Paging implements MissingPageHandler {
        @Override
        public void awaitPage(int region, long page) {
            interceptor.awaitPage(region, page);
        }

        @Override
        public void drop(int region, long firstPage, long count) {
            try {
                release(region, new PageRange(firstPage, count)).join();
            } catch (CompletionException e) {
                if (e.getCause() instanceof RuntimeException cause) {
                    throw cause;
                }
                throw e;
            }
        }
    }
}
