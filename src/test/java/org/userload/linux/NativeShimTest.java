package org.userload.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The C shim: built by the build, loaded from where the build put it. */
@Timeout(60)
class NativeShimTest {
    @TempDir
    private Path directory;

    @Test
    void shim_isLoaded_andLeavesNoFileBehind() throws Exception {
        long before = shimFiles();
        assertThat(NativeShim.load().version()).isEqualTo(2);
        assertThat(shimFiles()).isEqualTo(before);
    }

    private static long shimFiles() throws Exception {
        try (Stream<Path> files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
            return files.filter(file -> file.getFileName().toString().startsWith("libuserload"))
                    .count();
        }
    }

    /** A touch by native code in user mode is caught by the kernel like any other. */
    @Test
    void nativeTouch_faults_andSeesTheInstalledPage() throws Exception {
        int page = Mapping.hostPageSize();
        try (Mapping memory = Mapping.anonymous(page);
                Mapping content = Mapping.anonymous(page);
                Userfaultfd uffd = Userfaultfd.builder().open()) {
            uffd.register(memory.address(), page);
            NativeShim shim = NativeShim.load();
            Thread toucher = new Thread(() -> shim.touch(memory.address(), page, page), "native-toucher");
            toucher.start();
            UffdEventBatch batch = new UffdEventBatch();
            while (uffd.read(batch) == 0) {
                assertThat(toucher.isAlive()).isTrue();
                Thread.sleep(1);
            }
            assertThat(batch.isPageFault(0)).isTrue();
            assertThat(batch.address(0)).isEqualTo(memory.address());
            assertThat(uffd.copy(memory.address(), content.address(), page)).isEqualTo(page);
            toucher.join(10_000);
            assertThat(toucher.isAlive()).isFalse();
            uffd.unregister(memory.address(), page);
        }
    }

    @Test
    void buildWithoutCompiler_succeeds_andSaysWhatIsMissing() throws Exception {
        ProcessBuilder build = new ProcessBuilder("sh", "native-shims/build.sh", directory.toString())
                .directory(new File("."))
                .redirectErrorStream(true);
        build.environment().put("CC", "no-such-compiler");
        Process process = build.start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).isZero();
        assertThat(said).contains("no-such-compiler", "apt-get install gcc");
        assertThat(directory).isEmptyDirectory();
    }
}
