package org.userload.source;

import static org.userload.source.UliFormat.*;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32C;

/** The bytes of a {@code .uli} file, to be changed and sealed again with checksums that match. */
final class UliBytes {
    final ByteBuffer bytes;

    UliBytes(byte[] file) {
        this.bytes = ByteBuffer.wrap(file.clone()).order(BYTE_ORDER);
    }

    int trailer() {
        return bytes.capacity() - TRAILER_BYTES;
    }

    int indexEntry(int block) {
        return (int) bytes.getLong(trailer() + TRAILER_INDEX_OFFSET_OFFSET) + block * INDEX_ENTRY_BYTES;
    }

    UliBytes putInt(int at, int value) {
        bytes.putInt(at, value);
        return this;
    }

    UliBytes putLong(int at, long value) {
        bytes.putLong(at, value);
        return this;
    }

    UliBytes sealHeader() {
        int regions = Math.min(
                Math.max(0, bytes.getInt(HEADER_REGION_COUNT_OFFSET)),
                (bytes.capacity() - HEADER_BYTES) / REGION_BYTES);
        CRC32C crc = new CRC32C();
        crc.update(bytes.array(), 0, HEADER_CRC_OFFSET);
        crc.update(bytes.array(), HEADER_BYTES, regions * REGION_BYTES);
        return putInt(HEADER_CRC_OFFSET, (int) crc.getValue());
    }

    UliBytes sealIndex() {
        int from = indexEntry(0);
        CRC32C crc = new CRC32C();
        crc.update(bytes.array(), from, trailer() - from);
        return putInt(trailer() + TRAILER_INDEX_CRC_OFFSET, (int) crc.getValue())
                .sealTrailer();
    }

    UliBytes sealTrailer() {
        CRC32C crc = new CRC32C();
        crc.update(bytes.array(), trailer(), TRAILER_CRC_OFFSET);
        return putInt(trailer() + TRAILER_CRC_OFFSET, (int) crc.getValue());
    }

    Path writeTo(Path path) throws IOException {
        return Files.write(path, bytes.array());
    }
}
