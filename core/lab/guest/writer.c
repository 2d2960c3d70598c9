/* writer MIB RATE: writes MIB MiB of memory over and over, RATE MiB each second.
 *
 * It makes a guest whose memory changes at a known rate, for migrations that do not converge.
 * One word in each page dirties the whole page, so the rate costs next to no processor time; what
 * does cost an emulated guest is to wake up, so it does that 20 times a second only. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PAGE = 4096, PAGES_PER_MIB = 256, TICK_MS = 50 };

int main(int argc, char **argv)
{
    if (argc != 3 || atoi(argv[1]) < 1 || atoi(argv[2]) < 1) {
        fprintf(stderr, "usage: writer MIB RATE\n");
        return 2;
    }
    size_t pages = (size_t)atoi(argv[1]) * PAGES_PER_MIB;
    double pages_per_ns = (double)atoi(argv[2]) * PAGES_PER_MIB / 1e9;
    volatile uint64_t *memory = aligned_alloc(PAGE, pages * PAGE);
    if (memory == NULL) {
        perror("writer");
        return 1;
    }
    /* Incompressible content first: a page of zeros would migrate for nothing. */
    uint64_t noise = 88172645463325252u;
    for (size_t word = 0; word < pages * PAGE / sizeof *memory; word++) {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        memory[word] = noise;
    }
    struct timespec last, now, tick = {0, TICK_MS * 1000000L};
    clock_gettime(CLOCK_MONOTONIC, &last);
    double due = 0;
    size_t page = 0;
    for (;;) {
        nanosleep(&tick, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
        due += ((now.tv_sec - last.tv_sec) * 1e9 + (now.tv_nsec - last.tv_nsec)) * pages_per_ns;
        last = now;
        /* A guest that was stopped does not catch up: at most one round is owed. */
        if (due > pages)
            due = pages;
        for (; due >= 1; due--) {
            memory[page * (PAGE / sizeof *memory)]++;
            page = (page + 1) % pages;
        }
    }
}
