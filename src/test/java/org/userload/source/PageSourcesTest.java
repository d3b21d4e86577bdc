package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.userload.memory.PageSize;

class PageSourcesTest {
    private static final int PAGE = 4096;

    @TempDir
    Path directory;

    @Test
    void content_decidesTheFormat() throws IOException {
        Path uli = directory.resolve("image.raw");
        new UliWriter().write(uli, new MemoryPageSource(PageSize.DEFAULT, List.of(new byte[PAGE])));
        Path raw = Files.write(directory.resolve("image"), new byte[PAGE]);
        try (PageSource first = PageSources.open(uli);
                PageSource second = PageSources.open(raw)) {
            assertThat(first).isInstanceOf(UliPageSource.class);
            assertThat(first.description()).isEqualTo("image " + uli);
            assertThat(second).isInstanceOf(ImageFilePageSource.class);
            assertThat(second.description()).isEqualTo("image " + raw);
        }
    }

    @Test
    void uliWithADamagedBeginning_isNotTakenForRaw() throws IOException {
        Path path = directory.resolve("image.raw");
        // Four pages of noise and a file padded to whole pages by its content: only the end gives it away.
        byte[] file = new byte[4 * PAGE];
        byte[] end = {'U', 'L', 'I', 'E', 'N', 'D', 13, 10};
        System.arraycopy(end, 0, file, file.length - 8, 8);
        Files.write(path, file);
        assertRefused(path, "damaged .uli image", "does not begin");
        Path named = Files.write(directory.resolve("zeros.ULI"), new byte[4 * PAGE]);
        assertRefused(named, "damaged .uli image");
    }

    @Test
    void missingFile_isNamed() {
        assertRefused(directory.resolve("nothing.raw"), "no such file");
    }

    @Test
    void directoryOrDevice_isRefused() {
        assertRefused(directory, "is a directory");
        assertRefused(Path.of("/dev/null"), "not a regular file");
    }

    @Test
    void emptyFile_isRefused() throws IOException {
        assertRefused(Files.createFile(directory.resolve("empty.raw")), "is empty");
    }

    @Test
    void partialLastPage_isRefusedWithTheCommandThatPads() throws IOException {
        for (int size : new int[] {1, 7, PAGE - 1, PAGE + 1}) {
            Path path = Files.write(directory.resolve("image.raw"), new byte[size]);
            assertRefused(path, size + " bytes, is not a multiple", "truncate -s " + (size < PAGE ? PAGE : 2 * PAGE));
        }
    }

    @Test
    void rawImageOfLargerPages_needsWholeOnes() throws IOException {
        Path path = Files.write(directory.resolve("image.raw"), new byte[3 * PAGE]);
        OpenOptions large = new OpenOptions(new PageSize(2 * PAGE), 0, ExtentScanner.NONE);
        assertThatThrownBy(() -> PageSources.open(path, large)).hasMessageContaining("page size, 8192");
    }

    @Test
    void unreadableFile_saysHowToAllowReading() {
        // Root may read everything, so the error itself is given.
        Path path = directory.resolve("secret.raw");
        assertThat(ImageFile.cannotOpen(path, new AccessDeniedException(path.toString())))
                .hasMessageContainingAll("image " + path, "no permission", "chmod a+r " + path);
        assertThat(ImageFile.cannotOpen(path, new IOException("disk on fire")))
                .hasMessageContainingAll("image " + path, "disk on fire");
    }

    @Test
    void holesThatCannotBeFound_areAnErrorThatNamesTheFile() throws IOException {
        Path path = Files.write(directory.resolve("image.raw"), new byte[PAGE]);
        OpenOptions options = new OpenOptions(PageSize.DEFAULT, 0, (file, size) -> {
            throw new IOException("lseek: EINVAL");
        });
        assertThatThrownBy(() -> PageSources.open(path, options))
                .isInstanceOf(PageSourceException.class)
                .hasMessageContainingAll(path.toString(), "holes", "lseek: EINVAL");
    }

    @Test
    void pageRuns_areSharedUpToTheirLimit() {
        assertThat(PageRun.data(512)).isSameAs(PageRun.data(512)).isEqualTo(new PageRun(PageRun.Kind.DATA, 512));
        assertThat(PageRun.zero(513)).isEqualTo(new PageRun(PageRun.Kind.ZERO, 513));
        assertThatThrownBy(() -> PageRun.zero(0)).isInstanceOf(IllegalArgumentException.class);
    }

    private static void assertRefused(Path path, String... parts) {
        assertThatThrownBy(() -> PageSources.open(path))
                .isInstanceOf(PageSourceException.class)
                .hasMessageStartingWith("image " + path)
                .hasMessageContainingAll(parts);
        assertThat(Arrays.asList(parts)).isNotEmpty();
    }
}
