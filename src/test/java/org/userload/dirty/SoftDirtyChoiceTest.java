package org.userload.dirty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.linux.SoftDirty;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;

@Timeout(20)
class SoftDirtyChoiceTest {
    /** A kernel that has soft-dirty bits marks each new mapping with the flag {@code sd}. */
    @Test
    void probe_agreesWithTheFlagsOfMappings() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/smaps"))) {
            boolean flagged = lines.anyMatch(line -> line.startsWith("VmFlags:") && line.contains(" sd"));
            assertThat(SoftDirty.works()).isEqualTo(flagged);
        }
    }

    @Test
    void softDirty_isRefusedWithTheReasonAndWhatToUseInstead() {
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(1))) {
            assertThatThrownBy(() -> DirtyTrackers.open(memory, TrackerChoice.SOFT_DIRTY))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage(
                            DirtyTrackers.softDirtyRefused(SoftDirty.works()).getMessage())
                    .hasMessageEndingWith("; use uffd-wp or access-layer");
        }
        assertThat(DirtyTrackers.softDirtyRefused(false)).hasMessageContaining("does not set the bits");
        assertThat(DirtyTrackers.softDirtyRefused(true)).hasMessageContaining("a write in between would be lost");
    }
}
