#!/usr/bin/env node
import '../dist/src/cli/ad-sim-server.js';
