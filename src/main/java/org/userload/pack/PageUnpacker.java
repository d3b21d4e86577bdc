package org.userload.pack;

import java.nio.ByteBuffer;

/** Decompresses what anybody may have sent. One thread at a time. */
public sealed interface PageUnpacker extends AutoCloseable permits ZstdUnpacker, Lz4Unpacker {
    /**
     * Decompresses a range of one direct buffer into another, where it must fill {@code plainBytes} exactly. No byte is
     * written outside of these; when it throws they are undefined.
     *
     * @throws CorruptPageException when the range is not compressed data, or has more or fewer bytes in it
     */
    void unpack(ByteBuffer packed, int packedAt, int packedBytes, ByteBuffer plain, int plainAt, int plainBytes);

    /** Frees the native state. Idempotent. */
    @Override
    void close();
}
