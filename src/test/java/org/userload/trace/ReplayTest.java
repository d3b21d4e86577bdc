package org.userload.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ReplayTest {
    @Test
    void randomTrace_givesTheChecksumAndMemoryOfTheReference() throws IOException {
        long seed = TestTraces.seed("replay");
        List<TestTraces.Entry> entries = TestTraces.random(new Random(seed), 30_000);
        ReferenceReplay reference = new ReferenceReplay(entries, seed);
        Trace trace = TestTraces.load(entries);
        ArrayMemory memory = filled(trace, seed);
        Replay replay = new Replay(Program.once(trace, seed), memory);
        assertThat(replay.runTo(trace.accessCount())).isEqualTo(trace.accessCount());
        assertThat(replay.checksum()).isEqualTo(reference.checksum);
        assertThat(memory.bytes).isEqualTo(reference.memory);
    }

    @Test
    void replay_stoppedAndRestoredAnywhere_givesTheSameResult() throws IOException {
        long seed = TestTraces.seed("stopped replay");
        Random random = new Random(seed);
        Trace trace = TestTraces.load(TestTraces.random(random, 30_000));
        ArrayMemory whole = filled(trace, seed);
        Replay uninterrupted = new Replay(Program.once(trace, seed), whole);
        uninterrupted.runTo(trace.accessCount());
        ArrayMemory memory = filled(trace, seed);
        Replay replay = new Replay(Program.once(trace, seed), memory);
        while (!replay.isFinished()) {
            replay.runTo(Math.min(trace.accessCount(), replay.position() + random.nextInt(4_000)));
            CpuState state = CpuState.fromBytes(replay.state().toBytes());
            replay = new Replay(Program.once(trace, seed), memory);
            replay.restore(state);
        }
        assertThat(replay.checksum()).isEqualTo(uninterrupted.checksum());
        assertThat(SeededMemory.checksum(memory)).isEqualTo(SeededMemory.checksum(whole));
    }

    @Test
    void swappedAccesses_giveAnotherChecksum() throws IOException {
        TestTraces.Entry read = new TestTraces.Entry(Operation.READ, 0, 8);
        TestTraces.Entry write = new TestTraces.Entry(Operation.WRITE, 64, 8);
        assertThat(checksum(List.of(read, write), 1)).isNotEqualTo(checksum(List.of(write, read), 1));
    }

    /** The numbers of the worked example in docs/replay.md. */
    @Test
    void workedExample_givesTheNumbersOfTheDocumentation() throws IOException {
        List<TestTraces.Entry> entries = TestTraces.read(TestTraces.bytes("""
                R,0x401000,8
                W,0x7ffe,4
                I,0x401004,3
                M,0x7fff,9
                R,0x401ffd,3
                """), TraceFormat.CSV);
        Trace trace = TestTraces.load(entries);
        ArrayMemory memory = filled(trace, 42);
        assertThat(memory.getLong(0)).isEqualTo(0xbdd732262feb6e95L);
        assertThat(memory.getLong(0x2000)).isEqualTo(0x992b39e389e41727L);
        Replay replay = new Replay(Program.once(trace, 42), memory);
        assertThat(replay.checksum()).isEqualTo(0x955327d15fdf6adfL);
        long[] guestAddresses = {0x2000, 0xffe, 0x2004, 0xfff, 0x2ffd};
        long[] checksums = {
            0x096915c09e2bdcccL, 0xa7a08f7a1d7658e1L, 0x29f8b647c3e0c0b9L, 0x36d00b3174bac1a0L, 0x5bb33f9db6c4496eL
        };
        for (int i = 0; i < checksums.length; i++) {
            assertThat(trace.guestAddress(i)).isEqualTo(guestAddresses[i]);
            replay.runTo(i + 1);
            assertThat(replay.checksum()).isEqualTo(checksums[i]);
        }
        assertThat(SeededMemory.checksum(memory)).isEqualTo(0x997bb4478686952eL);
    }

    @Test
    void defaultTrace_givesTheChecksumOfTheDocumentation() throws IOException {
        Trace trace = TraceLoader.loadDefault();
        ArrayMemory memory = filled(trace, 42);
        Replay replay = new Replay(Program.once(trace, 42), memory);
        replay.runTo(trace.accessCount());
        assertThat(replay.checksum()).isEqualTo(0x9922ba3edb3344f4L);
        assertThat(SeededMemory.checksum(memory)).isEqualTo(0xfe462d6ead834ec9L);
    }

    @Test
    void fillingInParts_isFillingAtOnce() {
        ArrayMemory atOnce = new ArrayMemory(300_000);
        SeededMemory.fill(atOnce, 7);
        ArrayMemory inParts = new ArrayMemory(300_000);
        SeededMemory.fill(inParts, 7, 0, 8_000);
        SeededMemory.fill(inParts, 7, 8_000, 292_000);
        assertThat(inParts.bytes).isEqualTo(atOnce.bytes);
        assertThatThrownBy(() -> SeededMemory.fill(inParts, 7, 4, 8)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void memoryTooSmall_isRefused() throws IOException {
        Trace trace = TestTraces.load(List.of(new TestTraces.Entry(Operation.READ, 4095, 2)));
        assertThatThrownBy(() -> new Replay(Program.once(trace, 1), new ArrayMemory(4096)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("8192");
    }

    @Test
    void cpuStateOfAnotherReplay_isRefused_namingTheDifference() throws IOException {
        Trace trace = TestTraces.load(List.of(new TestTraces.Entry(Operation.READ, 0, 8)));
        Trace other = TestTraces.load(List.of(new TestTraces.Entry(Operation.READ, 8, 8)));
        Replay replay = new Replay(Program.once(trace, 1), filled(trace, 1));
        assertThatThrownBy(() -> replay.restore(CpuState.first(Program.once(other, 1))))
                .isInstanceOf(CpuStateException.class)
                .hasMessageContaining("trace");
        assertThatThrownBy(() -> replay.restore(CpuState.first(Program.once(trace, 2))))
                .isInstanceOf(CpuStateException.class)
                .hasMessageContaining("seed 2");
        assertThatThrownBy(() -> replay.restore(new CpuState(trace.fingerprint(), 1, 2, 0)))
                .isInstanceOf(CpuStateException.class)
                .hasMessageContaining("position 2");
    }

    @Test
    void damagedCpuState_isRefused() throws IOException {
        Trace trace = TestTraces.load(List.of(new TestTraces.Entry(Operation.READ, 0, 8)));
        byte[] saved = CpuState.first(Program.once(trace, 1)).toBytes();
        assertThat(CpuState.fromBytes(saved)).isEqualTo(CpuState.first(Program.once(trace, 1)));
        assertThatThrownBy(() -> CpuState.fromBytes(new byte[39])).hasMessageContaining("40 bytes");
        assertThatThrownBy(() -> CpuState.fromBytes(new byte[40])).hasMessageContaining("magic");
        saved[CpuState.VERSION_OFFSET] = 9;
        assertThatThrownBy(() -> CpuState.fromBytes(saved)).hasMessageContaining("version 9");
    }

    static ArrayMemory filled(Trace trace, long seed) {
        ArrayMemory memory = new ArrayMemory(trace.memoryBytes());
        SeededMemory.fill(memory, seed);
        return memory;
    }

    private static long checksum(List<TestTraces.Entry> entries, long seed) throws IOException {
        Trace trace = TestTraces.load(entries);
        Replay replay = new Replay(Program.once(trace, seed), filled(trace, seed));
        replay.runTo(trace.accessCount());
        return replay.checksum();
    }
}
