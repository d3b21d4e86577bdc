package org.userload.fault;

import java.util.Arrays;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;

/** Finds the region of a host address. Tests addresses, since the kernel may merge neighbouring mappings. */
final class UffdRegions {
    private final MemoryRegion[] byHostAddress;

    UffdRegions(GuestMemory memory) {
        byHostAddress = new MemoryRegion[memory.regionCount()];
        Arrays.setAll(byHostAddress, memory::region);
        Arrays.sort(byHostAddress, Comparator.comparingLong(MemoryRegion::hostAddress));
    }

    @Nullable
    MemoryRegion find(long hostAddress) {
        int low = 0;
        int high = byHostAddress.length - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            MemoryRegion region = byHostAddress[middle];
            if (hostAddress < region.hostAddress()) {
                high = middle - 1;
            } else if (hostAddress - region.hostAddress() >= region.sizeBytes()) {
                low = middle + 1;
            } else {
                return region;
            }
        }
        return null;
    }

    MemoryRegion[] all() {
        return byHostAddress;
    }
}
