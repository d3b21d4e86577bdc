package org.userload.dirty;

import java.util.Locale;

/** Which dirty page tracker to use. */
public enum TrackerChoice {
    /** {@link #UFFD_WP} where the kernel has it, else {@link #ACCESS_LAYER} with a warning that names the fix. */
    AUTO,
    /** Asynchronous write protection of the kernel (Linux 6.7). Sees every writer. */
    UFFD_WP,
    /** The page-access layer. Sees writes through {@code GuestMemory} only. */
    ACCESS_LAYER,
    /** Soft-dirty bits; refused, see {@link DirtyTrackers#open}. */
    SOFT_DIRTY;

    /** The name used on the command line. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
