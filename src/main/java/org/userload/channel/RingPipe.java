package org.userload.channel;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** One end of a pair of {@link ByteRing}s: for a guest that runs in this process. */
public final class RingPipe implements BytePipe {
    /** 256 KiB each way. */
    public static final int DEFAULT_BYTES = 1 << 18;

    /** The two ends. */
    public record Pair(RingPipe host, RingPipe guest) {}

    private final ByteRing in;
    private final ByteRing out;
    private volatile boolean woken;
    private volatile @Nullable Thread waiting;

    private RingPipe(ByteRing in, ByteRing out) {
        this.in = in;
        this.out = out;
    }

    /**
     * Two ends that are connected.
     *
     * @param bytes of each ring, a power of two from 1 KiB to 1 GiB
     */
    public static Pair pair(int bytes) {
        ByteRing toHost = new ByteRing(bytes);
        ByteRing toGuest = new ByteRing(bytes);
        return new Pair(new RingPipe(toHost, toGuest), new RingPipe(toGuest, toHost));
    }

    /** The ring that this end writes to. */
    ByteRing outgoing() {
        return out;
    }

    @Override
    public int read(ByteBuffer into) throws IOException {
        return in.read(into);
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
        return out.write(from);
    }

    @Override
    public void await(boolean readable, boolean writable, long mostNanos) throws IOException {
        Thread current = Thread.currentThread();
        waiting = current;
        if (readable) {
            in.waitingReader(current);
        }
        if (writable) {
            out.waitingWriter(current);
        }
        try {
            if (!woken && !(readable && in.isReadable()) && !(writable && out.isWritable())) {
                LockSupport.parkNanos(this, mostNanos);
            }
        } finally {
            waiting = null;
            in.waitingReader(null);
            out.waitingWriter(null);
            woken = false;
        }
    }

    @Override
    public void wake() {
        woken = true;
        Thread thread = waiting;
        if (thread != null) {
            LockSupport.unpark(thread);
        }
    }

    @Override
    public void close() {
        out.closeWriter();
        in.closeReader();
    }
}
