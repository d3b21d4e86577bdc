package org.userload.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Transparent huge pages: whether the kernel has them, and making one of small pages.
 *
 * <p>See {@code Documentation/admin-guide/mm/transhuge.rst} of the kernel. Stateless; any thread.
 */
public final class HugePages {
    /** Bytes of a huge page; of pages of 4 KiB on x86-64 and aarch64. */
    public static final int BYTES = 2 << 20;

    private static final int MADV_COLLAPSE = 25;
    private static final Path SETTINGS = Path.of("/sys/kernel/mm/transparent_hugepage");

    private HugePages() {}

    /** Whether memory that asks for huge pages of {@link #BYTES} may get them. */
    public static boolean areAvailable() {
        try {
            String enabled = Files.readString(SETTINGS.resolve("enabled"));
            String bytes = Files.readString(SETTINGS.resolve("hpage_pmd_size")).trim();
            return !enabled.contains("[never]") && bytes.equals(Integer.toString(BYTES));
        } catch (IOException e) {
            return false; // a kernel without them
        }
    }

    /**
     * Makes one huge page of the small ones of a block, with the content they have (Linux 6.1). Whoever touches them
     * meanwhile waits some hundred microseconds. Pages without memory get some.
     *
     * @param address of the block, a multiple of {@link #BYTES}
     * @return 0, or the errno: the kernel has no huge page at the moment, or cannot do it
     */
    public static int collapse(long address) {
        return LibC.C.madvise(address, BYTES, MADV_COLLAPSE) == 0 ? 0 : LibC.errno();
    }
}
