package org.userload.transport;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * One direction of an emulated link: what one side sends, over all of its connections together.
 *
 * <p>A virtual clock says until when the link is busy. Whoever sends claims the time that the bytes take from then on,
 * so bytes of all connections go one after the other in the order in which they were claimed, and a sender that wakes
 * late loses no rate: its claim was made when it sent. The clock is that of the virtual scheduling algorithm in ITU-T
 * I.371 with no tolerance, which is a queue with a fixed rate.
 *
 * <p><b>What counts.</b> Every claim is cut into segments of {@value #SEGMENT_BYTES} bytes, and each counts {@value
 * #HEADER_BYTES} bytes more: Ethernet 14, IPv4 20, TCP 20 and its timestamps 12. That is what {@code tc} counts on an
 * Ethernet interface with an MTU of 1500. Not counted are TCP's own acknowledgements, and preamble, checksum and gap on
 * a wire (24 bytes).
 *
 * <p><b>Threads.</b> Any; lock-free.
 */
public final class OutboundLink {
    /** TCP payload of a full Ethernet frame: 1500 bytes less 20 IPv4, 20 TCP and 12 timestamps. */
    static final int SEGMENT_BYTES = 1448;

    /** Headers of a segment that {@code tc} counts. */
    static final int HEADER_BYTES = 66;

    private final double nanosPerByte;
    private final long oneWayNanos;
    private final LongSupplier nanoTime;
    private final AtomicLong busyUntilNanos;

    /** An idle link. */
    public OutboundLink(Link link) {
        this(link, System::nanoTime);
    }

    /** @param nanoTime the clock, as {@link System#nanoTime()} */
    OutboundLink(Link link, LongSupplier nanoTime) {
        this.nanosPerByte = 1e9 / link.bytesPerSecond();
        this.oneWayNanos = link.roundTrip().toNanos() / 2;
        this.nanoTime = nanoTime;
        this.busyUntilNanos = new AtomicLong(nanoTime.getAsLong());
    }

    /**
     * Puts bytes on the link behind everything that was put on it before.
     *
     * @return when the last of them has reached the other end, on the clock of {@link #nanoTime}
     */
    long claim(int bytes) {
        long now = nanoTime.getAsLong();
        long takes = nanos(bytes);
        long busy;
        long end;
        do {
            busy = busyUntilNanos.get();
            end = (busy - now > 0 ? busy : now) + takes;
        } while (!busyUntilNanos.compareAndSet(busy, end));
        return end + oneWayNanos;
    }

    /** What a byte that is put on the link now takes to the other end, and an answer back on an empty link. */
    long delayNanos() {
        return Math.max(0, busyUntilNanos.get() - nanoTime.getAsLong()) + 2 * oneWayNanos;
    }

    long nanoTime() {
        return nanoTime.getAsLong();
    }

    /** What bytes that are written at once come to on the link, headers of their segments included. */
    public static long bytesOnLink(long bytes) {
        return bytes + (bytes + SEGMENT_BYTES - 1) / SEGMENT_BYTES * HEADER_BYTES;
    }

    private long nanos(int bytes) {
        return Math.round(bytesOnLink(bytes) * nanosPerByte);
    }
}
