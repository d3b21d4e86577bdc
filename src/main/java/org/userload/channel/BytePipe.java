package org.userload.channel;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Bytes to a peer and from it, in order, without any structure. One thread, the channel's, calls everything but {@link
 * #wake}; nothing but {@link #await} waits.
 */
public interface BytePipe extends AutoCloseable {
    /** {@link #read}: the peer has closed, and everything has been read. */
    int ENDED = -1;

    /**
     * Reads what is there, as far as it fits.
     *
     * @return bytes, 0 if there are none now, or {@link #ENDED}
     * @throws IOException if the peer is gone
     */
    int read(ByteBuffer into) throws IOException;

    /**
     * Writes what there is room for.
     *
     * @return bytes, 0 if there is no room now
     * @throws IOException if the peer is gone
     */
    int write(ByteBuffer from) throws IOException;

    /**
     * Waits until there is something to do, {@link #wake} was called since the last wait, or the time is over. May return
     * early.
     *
     * @param readable whether something to read, or the end, ends the wait
     * @param writable whether room to write ends the wait
     * @param mostNanos the longest wait in nanoseconds, at least 1
     */
    void await(boolean readable, boolean writable, long mostNanos) throws IOException;

    /** Ends a wait, or the next one. Any thread. */
    void wake();

    /** What was written can still be read by the peer. Idempotent. */
    @Override
    void close();
}
