package org.userload.support;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.protocol.FrameType;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;
import org.userload.support.RawPeer.Frame;
import org.userload.transport.Endpoint;

/**
 * A destination written by hand on plain sockets: takes in what the stream brings, and answers as many MARKs as the test
 * lets it. The test speaks on the control connection.
 */
public final class RawDestination implements Closeable {
    private static final int LIMIT_SECONDS = 20;

    /** A source may have a window of 128 pages only, and frames of 16. */
    private static final int MOST_UNACKNOWLEDGED_PAGES = 100;

    private final RawPeer control;
    private final RawPeer sync;
    private final RawPeer stream;
    private final Semaphore mayAnswer = new Semaphore(0);
    private final Semaphore marks = new Semaphore(0);
    private final CountDownLatch ended = new CountDownLatch(1);
    private final byte[][][] pages;
    private final LinkedBlockingQueue<Frame> unacknowledged = new LinkedBlockingQueue<>();
    private final LongAdder free = new LongAdder();
    private volatile boolean acknowledges = true;

    private RawDestination(RawPeer control, RawPeer sync, RawPeer stream, RegionTable table) {
        this.control = control;
        this.sync = sync;
        this.stream = stream;
        this.pages = new byte[table.entries().size()][][];
        for (int i = 0; i < pages.length; i++) {
            pages[i] = new byte[(int) table.entries().get(i).pageCount()][];
        }
    }

    /** Opens a session; START is not sent. */
    public static RawDestination attach(Endpoint source) throws IOException {
        RawPeer control = RawPeer.greet(source, Role.CONTROL, SessionId.NONE);
        var hello = control.read().hello();
        RawPeer sync = RawPeer.greet(source, Role.SYNC, hello.session());
        sync.read();
        RawPeer stream = RawPeer.greet(source, Role.STREAM, hello.session());
        stream.read();
        RegionTable table = hello.regions();
        if (table == null) {
            throw new IOException("no regions");
        }
        return new RawDestination(control, sync, stream, table);
    }

    public RawPeer control() {
        return control;
    }

    public RawPeer stream() {
        return stream;
    }

    public RawPeer sync() {
        return sync;
    }

    /** Whether a page has come in the stream. */
    public boolean has(int region, int page) {
        synchronized (pages) {
            return pages[region][page] != null;
        }
    }

    /** Waits until so many pages have come in the stream. */
    public void awaitPresent(long count) throws InterruptedException {
        Threads.await(count + " pages", LIMIT_SECONDS, () -> present() >= count);
    }

    /** The newest content is taken, and the source does not hear of it. */
    public RawDestination withoutAcknowledging() {
        acknowledges = false;
        return this;
    }

    /** Grants the window and takes in what comes, in a thread of its own. */
    public RawDestination start(int window) throws IOException {
        stream.send(FrameType.START, 0, 0, window);
        Threads.start(() -> {
            try {
                while (true) {
                    take(stream.read());
                }
            } catch (IOException e) {
                return null; // The session is over.
            }
        });
        return this;
    }

    private void put(Frame frame) {
        byte[][] region = pages[frame.region()];
        for (int i = 0; i < frame.count(); i++) {
            byte[] page = new byte[4096];
            if (frame.is(FrameType.PAGES)) {
                frame.body().get(page);
            } else if (frame.is(FrameType.FREE)) {
                for (int at = 0; at < page.length; at++) {
                    page[at] = frame.body().get(Long.BYTES - 1 - at % Long.BYTES);
                }
                free.increment();
            }
            region[(int) frame.firstPage() + i] = page;
        }
    }

    private void take(Frame frame) throws IOException, InterruptedException {
        if (frame.is(FrameType.PAGES) || frame.is(FrameType.ZERO) || frame.is(FrameType.FREE)) {
            synchronized (pages) {
                put(frame);
            }
            if (frame.is(FrameType.PAGES)) {
                unacknowledged.add(frame);
                if (acknowledges) {
                    acknowledge();
                }
                Frame oldest = unacknowledgedPages() > MOST_UNACKNOWLEDGED_PAGES ? unacknowledged.poll() : null;
                if (oldest != null) {
                    acknowledge(oldest);
                }
            }
        } else if (frame.is(FrameType.DISCARD)) {
            ByteBuffer runs = frame.body();
            synchronized (pages) {
                while (runs.hasRemaining()) {
                    int first = (int) runs.getLong();
                    Arrays.fill(pages[frame.region()], first, first + runs.getInt(), null);
                }
            }
        } else if (frame.is(FrameType.MARK)) {
            marks.release();
            mayAnswer.acquire();
            stream.send(FrameType.MARKED, 0, 0, 0, frame.id(), new byte[0]);
        } else if (frame.is(FrameType.END)) {
            ended.countDown();
        }
    }

    /** Waits until content that is not acknowledged has come, or a MARK. */
    public void awaitContentOrMark() throws InterruptedException {
        Threads.await(
                "content or MARK", LIMIT_SECONDS, () -> !unacknowledged.isEmpty() || marks.availablePermits() > 0);
    }

    /** Acknowledges what has come and was not acknowledged; gives how many pages. */
    public long acknowledge() throws IOException {
        long pages = 0;
        for (Frame frame = unacknowledged.poll(); frame != null; frame = unacknowledged.poll()) {
            acknowledge(frame);
            pages += frame.count();
        }
        return pages;
    }

    private void acknowledge(Frame frame) throws IOException {
        stream.send(FrameType.ACK, frame.region(), frame.firstPage(), (int) frame.count());
    }

    private long unacknowledgedPages() {
        return unacknowledged.stream().mapToLong(Frame::count).sum();
    }

    /** Acknowledges what comes from now on. */
    public void acknowledgeFromNowOn() {
        acknowledges = true;
    }

    /** Answers so many MARKs more. */
    public void answerMarks(int count) {
        mayAnswer.release(count);
    }

    /** Waits until so many MARKs more have come. */
    public void awaitMarks(int count) throws InterruptedException {
        if (!marks.tryAcquire(count, LIMIT_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("no MARK");
        }
    }

    public void awaitEndOfStream() throws InterruptedException {
        if (!ended.await(LIMIT_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("no END");
        }
    }

    /** Pages that it has, by the frames that came. */
    public long present() {
        synchronized (pages) {
            return Arrays.stream(pages)
                    .flatMap(Arrays::stream)
                    .filter(Objects::nonNull)
                    .count();
        }
    }

    /** The word at an offset of a page that it has, little-endian. */
    public long wordOf(int region, int page, int offset) {
        synchronized (pages) {
            return ByteBuffer.wrap(pages[region][page])
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .getLong(offset);
        }
    }

    /** Pages that came as free, counted each time. */
    public long freePages() {
        return free.sum();
    }

    /**
     * Takes the guest over as soon as the source offers it, and says that it runs; in a thread of its own.
     *
     * @param window granted with COMMIT when there are no rounds; 0 with rounds
     */
    public RawDestination takeGuest(int window) {
        Threads.start(() -> {
            try {
                while (true) {
                    Frame frame = control.read();
                    if (frame.is(FrameType.PREPARE)) {
                        control.send(FrameType.READY, 0, 0, 0);
                    } else if (frame.is(FrameType.COMMIT)) {
                        if (window > 0) {
                            start(window);
                        }
                        control.send(FrameType.STARTED, 0, 1, 0);
                    }
                }
            } catch (IOException e) {
                return null; // The session is over.
            }
        });
        return this;
    }

    /** Whether every page that it has is the memory's. */
    public boolean hasWhatIsIn(GuestMemory memory) {
        List<RegionTable.Entry> entries = memory.table().entries();
        for (int region = 0; region < pages.length; region++) {
            for (int page = 0; page < pages[region].length; page++) {
                byte[] mine;
                synchronized (pages) {
                    mine = pages[region][page];
                }
                long address = entries.get(region).guestAddress() + ((long) page << 12);
                for (int at = 0; mine != null && at < 4096; at += 8) {
                    if (ByteBuffer.wrap(mine).order(ByteOrder.LITTLE_ENDIAN).getLong(at)
                            != memory.getLong(address + at)) {
                        System.out.printf("page %d of region %d is old%n", page, region);
                        return false;
                    }
                }
            }
        }
        return true;
    }

    /** As a process that dies. */
    @Override
    public void close() throws IOException {
        control.close();
        sync.close();
        stream.close();
        mayAnswer.release(1 << 20);
    }
}
