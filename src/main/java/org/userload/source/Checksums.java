package org.userload.source;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** CRC-32C over parts of buffers. Stateless. */
final class Checksums {
    private Checksums() {}

    /** The checksum of {@code length} bytes from {@code offset}. Leaves the buffer cleared. */
    static int crc(ByteBuffer buffer, int offset, int length) {
        CRC32C crc = new CRC32C();
        update(crc, buffer, offset, length);
        return (int) crc.getValue();
    }

    /** Adds {@code length} bytes from {@code offset}. Leaves the buffer cleared. */
    static void update(CRC32C crc, ByteBuffer buffer, int offset, int length) {
        crc.update(buffer.limit(offset + length).position(offset));
        buffer.clear();
    }
}
