package org.userload.linux;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Whether this kernel has soft-dirty bits: {@code /proc/self/clear_refs} and bit 55 of {@code /proc/self/pagemap}.
 *
 * <p>See {@code Documentation/admin-guide/mm/soft-dirty.rst} of the kernel. A kernel built without them takes the
 * request to clear all the same, and every bit then reads 0 for good. So only a page that was written can tell.
 */
public final class SoftDirty {
    private static final Path PAGEMAP = Path.of("/proc/self/pagemap");
    private static final Path CLEAR_REFS = Path.of("/proc/self/clear_refs");
    private static final String CLEAR_SOFT_DIRTY = "4";
    private static final long SOFT_DIRTY_BIT = 1L << 55;

    private SoftDirty() {}

    /** Clears the bits of this process, which nothing else here uses; writes one page and reads its bit. */
    public static boolean works() {
        try (Mapping page = Mapping.anonymous(Mapping.hostPageSize());
                FileChannel pagemap = FileChannel.open(PAGEMAP, StandardOpenOption.READ)) {
            ByteBuffer bytes = page.buffer(0, 1);
            bytes.put(0, (byte) 1);
            Files.writeString(CLEAR_REFS, CLEAR_SOFT_DIRTY, StandardOpenOption.WRITE);
            boolean setBefore = isSet(pagemap, page.address());
            bytes.put(0, (byte) 2);
            return !setBefore && isSet(pagemap, page.address());
        } catch (IOException e) {
            return false;
        }
    }

    private static boolean isSet(FileChannel pagemap, long address) throws IOException {
        ByteBuffer entry = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder());
        int read = pagemap.read(entry, address / Mapping.hostPageSize() * Long.BYTES);
        return read == Long.BYTES && (entry.getLong(0) & SOFT_DIRTY_BIT) != 0;
    }
}
