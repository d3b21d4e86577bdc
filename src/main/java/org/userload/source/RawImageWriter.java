package org.userload.source;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import org.userload.memory.RegionTable;

/**
 * Writes the pages of a source to a raw image: its regions one after the other, zero pages as holes. The file appears
 * whole or not at all.
 */
public final class RawImageWriter {
    private static final int PAGES_AT_ONCE = 256;

    private RawImageWriter() {}

    /** Writes {@code target}, over what was there. */
    public static void write(Path target, PageSource source) throws IOException {
        Path directory = target.toAbsolutePath().getParent();
        Path partial = Files.createTempFile(directory, "." + target.getFileName(), ".tmp");
        try {
            try (FileChannel out = FileChannel.open(partial, StandardOpenOption.WRITE)) {
                writeRegions(out, source);
            }
            Files.setPosixFilePermissions(partial, PosixFilePermissions.fromString("rw-r--r--"));
            Files.move(partial, target.toAbsolutePath(), StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(partial);
        }
    }

    private static void writeRegions(FileChannel out, PageSource source) throws IOException {
        RegionTable table = source.regions();
        int pageBytes = table.pageSize().bytes();
        ByteBuffer buffer = ByteBuffer.allocateDirect(PAGES_AT_ONCE * pageBytes);
        long offset = 0;
        for (int region = 0; region < table.entries().size(); region++) {
            long pages = table.entries().get(region).pageCount();
            long page = 0;
            while (page < pages) {
                PageRun run = source.describe(region, page, (int) Math.min(PAGES_AT_ONCE, pages - page));
                if (!run.isZero()) {
                    buffer.clear();
                    source.read(region, page, run.pageCount(), buffer);
                    buffer.flip();
                    writeFully(out, buffer, offset + page * pageBytes);
                }
                page += run.pageCount();
            }
            offset += pages * pageBytes;
        }
        extendTo(out, offset);
    }

    private static void writeFully(FileChannel out, ByteBuffer buffer, long at) throws IOException {
        long position = at;
        while (buffer.hasRemaining()) {
            position += out.write(buffer, position);
        }
    }

    /** Zero pages at the end leave the file short; its size must still tell them. */
    private static void extendTo(FileChannel out, long size) throws IOException {
        if (out.size() < size) {
            out.write(ByteBuffer.wrap(new byte[1]), size - 1);
        }
    }
}
