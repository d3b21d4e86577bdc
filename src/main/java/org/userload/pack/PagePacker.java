package org.userload.pack;

import java.nio.ByteBuffer;

/** Compresses. One thread at a time. */
public sealed interface PagePacker extends AutoCloseable permits ZstdPacker, Lz4Packer {
    /** The most bytes that this many can become; more than they are. */
    int bound(int plainBytes);

    /**
     * Compresses a range of one direct buffer into another.
     *
     * @param packed with room for {@link #bound} bytes from {@code packedAt} on
     * @return bytes written; more than {@code plainBytes} when they cannot be compressed
     */
    int pack(ByteBuffer plain, int plainAt, int plainBytes, ByteBuffer packed, int packedAt);

    /** Frees the native state. Idempotent. */
    @Override
    void close();
}
