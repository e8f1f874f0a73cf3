#!/usr/bin/env node
import '../dist/src/cli/pvinfo.js';
